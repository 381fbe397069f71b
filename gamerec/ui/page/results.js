// The list: one column of cards, or two beside each other, or what went wrong.
import { card } from "./card.js";
import { h } from "./dom.js";

// who: what the reasons speak of, 'user' or 'picks'. before: how many were shown on earlier pages.
export function results(answer, { t, language, shelf, similar, who, before, on, feedback }) {
  const titled = answer.lists.length > 1;
  const first = answer.lists[0].items.map((item) => item.game_id);
  return answer.lists.map((list, place) => {
    const by = similar ? "similar" : list.source === "popular" ? "popular" : who;
    const best = Math.max(0, ...list.items.map((item) => item.score ?? 0));
    const shared = { t, language, shelf, best, by, on, feedback };
    const cards = list.items.map((item, n) => {
      const moved = place ? movement(first.indexOf(item.game_id), n, t) : "";
      return h("li", {}, card(item, { ...shared, rank: before + n + 1, moved }));
    });
    const name = list.channel === "production" || list.channel === "candidate" || list.channel === "previous" ? t(list.channel) : "";
    return h(
      "div", { class: "gr-onelist" },
      titled ? h("h3", { class: "gr-version" }, name, h("code", {}, list.version)) : null,
      cards.length ? h("ol", { class: "gr-cards" }, ...cards) : h("p", { class: "gr-nothing" }, t(list.version ? "none" : "noVersion")),
    );
  });
}

// How a game stands beside the first list: '▲ 2', or new in this one.
function movement(there, here, t) {
  if (there < 0) return t("isNew");
  return there === here ? "" : `${there > here ? "▲" : "▼"} ${Math.abs(there - here)}`;
}

export function faultBox(fault, t, onretry) {
  const [title, text] = { no_model: ["noModelTitle", "noModel"], lost: ["lostTitle", "lost"] }[fault.kind] || ["faultTitle", "fault"];
  const button = fault.kind === "lost"
    ? h("button", { type: "button", class: "gr-primary", onclick: () => location.reload() }, t("reload"))
    : h("button", { type: "button", class: "gr-primary", onclick: onretry }, t("retry"));
  const told = fault.kind === "usage" ? fault.message : t(text, { id: fault.id });
  return [t(title), h("div", { class: "gr-fault", role: "alert" }, h("p", {}, told), button)];
}
