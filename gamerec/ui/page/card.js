// One recommended game: cover, facts, score, reason, and what a player can say about it.
import { h, icon } from "./dom.js";
import { genreName } from "./words.js";

const round = (value, digits = 2) => Number(value).toFixed(digits);
const percent = (share) => Math.round(share * 100);

// `by`: who the reasons are about: 'user', 'picks', 'similar' or 'popular'
export function card(item, { t, language, shelf, best, by, rank, moved, on, feedback }) {
  const facts = [
    item.year ? String(item.year) : t("noYear"),
    item.genres.slice(0, 2).map((genre) => genreName(language, genre)).join(", "),
  ].filter(Boolean);
  const name = h("h3", { class: "gr-name" }, item.name, moved ? h("span", { class: "gr-moved" }, moved) : null);
  const element = h(
    "article", { class: "gr-card", "data-game": item.game_id, tabindex: "-1" },
    h("div", { class: "gr-top" }, shelf.cover(item), h("span", { class: "gr-rank", role: "img", "aria-label": t("rank", { n: rank }) }, String(rank))),
    h(
      "div", { class: "gr-body" },
      name,
      h("p", { class: "gr-facts" }, h("span", { class: "gr-clip", title: facts.join(" · ") }, facts.join(" · ")), rating(item, t)),
      score(item, best, t),
      h("p", { class: "gr-reason" }, icon("spark"), h("span", {}, reason(item, by, t))),
      why(item, by, t),
      actions(item, t, on, feedback),
    ),
  );
  return element;
}

function rating(item, t) {
  if (!item.rating) return h("span", { class: "gr-rating gr-none" }, t("unrated"));
  const value = round(item.rating, 1);
  const stars = h("span", { "aria-hidden": "true" }, value);
  return h("span", { class: "gr-rating", role: "img", "aria-label": t("rated", { n: value }) }, icon("star"), stars);
}

function score(item, best, t) {
  if (!(best > 0) || item.score === null) return null;
  const share = Math.max(3, Math.min(100, percent(item.score / best)));
  const said = item.confidence === null ? t("score", { n: round(item.score) }) : t("confidence", { n: percent(item.confidence) });
  return h(
    "div", { class: "gr-score" },
    h("div", { class: "gr-bar", "aria-hidden": "true" }, h("span", { style: `width:${share}%` })),
    h("span", { class: "gr-said", title: t("score", { n: round(item.score, 3) }) }, said),
  );
}

function reason(item, by, t) {
  // a batch knows the reason, but not how much of the score it is: its contribution is null
  const [first, second] = item.because.filter((b) => b.name && (b.contribution === null || b.contribution > 0));
  if (by === "popular" || !first) return t("becausePopular");
  if (by === "similar") return t("becauseSimilar", { a: first.name });
  const played = by === "user" ? "becausePlayed" : "because";
  return second ? t(`${played}Two`, { a: first.name, b: second.name }) : t(played, { a: first.name });
}

function why(item, by, t) {
  const total = item.because.reduce((sum, b) => sum + Math.abs(b.contribution), 0);
  if (!total || by === "similar") return null;
  const rows = item.because.map((b) =>
    h(
      "li", {},
      h("span", { class: "gr-clip" }, b.name ?? t("others")),
      h("span", { class: "gr-part" }, `${b.contribution < 0 ? "−" : "+"}${percent(Math.abs(b.contribution) / total)} %`),
      h("span", { class: "gr-bar", "aria-hidden": "true" }, h("span", { style: `width:${percent(Math.abs(b.contribution) / total)}%` })),
    ),
  );
  return h(
    "details", { class: "gr-why" },
    h("summary", {}, t("why")), h("ul", {}, ...rows), h("p", {}, t("adds", { n: round(item.score, 3) })),
  );
}

function actions(item, t, on, feedback) {
  const button = (kind, word, label, picture) =>
    h(
      "button",
      {
        type: "button", class: `gr-act gr-${kind}`, "aria-label": t(label, { name: item.name }), title: t(word),
        "aria-pressed": kind === "similar" ? undefined : String(feedback.get(item.game_id) === kind),
        onclick: () => on(kind, item),
      },
      icon(picture), h("span", { class: "gr-word" }, t(word)),
    );
  return h(
    "div", { class: "gr-actions" },
    button("liked", "like", "likeOf", "like"),
    button("disliked", "notForMe", "notOf", "no"),
    button("played", "played", "playedOf", "played"),
    button("similar", "similar", "similarOf", "similar"),
  );
}
