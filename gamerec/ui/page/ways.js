// The two ways in: a few games that one likes, or the id of a user.
import { h, icon, uniqueId } from "./dom.js";
import { picker } from "./picker.js";
import { genreName } from "./words.js";

// on: { mode, pick, unpick, clear, enter, search }
export function ways({ t, language, mode, picks, user, player, example, on }) {
  const id = uniqueId("ways");
  const tab = (name, word) =>
    h("button", {
      type: "button", role: "tab", id: `${id}-${name}`, "aria-selected": String(mode === name), "aria-controls": `${id}-panel`,
      tabindex: mode === name ? "0" : "-1", onclick: () => mode === name || on.mode(name),
      onkeydown: (event) => event.key.startsWith("Arrow") && on.mode(mode === "picks" ? "user" : "picks"),
    }, t(word));
  const content = mode === "picks" ? pickWay({ t, language, picks, example, on }) : userWay({ t, user, player, on });
  return [
    h("div", { role: "tablist", class: "gr-tabs", "aria-label": t("ways") }, tab("picks", "pickTab"), tab("user", "userTab")),
    h("div", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": `${id}-${mode}`, class: "gr-panel" }, ...content),
  ];
}

function pickWay({ t, language, picks, example, on }) {
  const genres = (game) => game.genres.slice(0, 2).map((genre) => genreName(language, genre));
  const box = picker({
    label: t("pickLabel"), hint: t("pickHint", { name: example }), empty: t("noMatch"), search: on.search, onpick: on.pick,
    describe: (game) => [game.year, ...genres(game)].filter(Boolean).join(" · "),
  });
  if (!picks.length) return [box, h("p", { class: "gr-help" }, t("pickHelp"))];
  const chips = picks.map((game) =>
    h("li", {}, h("button", { type: "button", class: "gr-pick", "aria-label": t("remove", { name: game.name }), onclick: () => on.unpick(game) },
      h("span", {}, game.name), icon("no"))));
  return [box, h("div", { class: "gr-picks" },
    h("ul", { "aria-label": t("yourPicks") }, ...chips),
    h("button", { type: "button", class: "gr-quiet", onclick: on.clear }, t("clear")))];
}

function userWay({ t, user, player, on }) {
  const input = h("input", {
    id: uniqueId("user"), type: "text", autocomplete: "off", spellcheck: "false", placeholder: t("userHint"), value: user ?? "", enterkeyhint: "go",
    onkeydown: (event) => { // inside JupyterLab browsers submit no form by this key
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      input.form.requestSubmit();
    },
  });
  const enter = (event) => { event.preventDefault(); on.enter(input.value); };
  return [
    h("form", { class: "gr-userform", onsubmit: enter },
      h("label", { for: input.id, class: "gr-label" }, t("userLabel")),
      h("div", { class: "gr-field" }, input, h("button", { type: "submit", class: "gr-primary" }, t("userGo")))),
    h("p", { class: "gr-help", role: "status" }, playerLine(t, user, player)),
  ];
}

function playerLine(t, user, player) {
  if (user === null || !player?.known) return "";
  const named = player.history.slice(0, 4).map((game) => game.name);
  const rest = player.n - named.length;
  return t("userKnown", { id: user, n: player.n, names: named.join(", ") }) + (rest > 0 ? t("userAndMore", { n: rest }) : "");
}
