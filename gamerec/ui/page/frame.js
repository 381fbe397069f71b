// What stands around the list: title, language, colours, the source of the data, the versions.
import { h } from "./dom.js";

export function header(t, look, onlook) {
  const choice = (label, key, options) =>
    h("select", { "aria-label": label, onchange: (event) => onlook({ [key]: event.target.value }) },
      ...options.map(([value, word]) => h("option", { value, selected: value === look[key] }, word)));
  return h(
    "header", { class: "gr-header" },
    h("div", { class: "gr-brand" },
      h("span", { class: "gr-logo", "aria-hidden": "true" }, "g"),
      h("div", {}, h("h1", {}, t("title")), h("p", {}, t("subtitle")))),
    h("div", { class: "gr-look" },
      choice(t("language"), "language", [["en", "English"], ["ko", "한국어"]]),
      choice(t("look"), "theme", [["auto", t("auto")], ["light", t("light")], ["dark", t("dark")]])),
  );
}

export function footer(t) {
  const rawg = h("a", { href: "https://rawg.io", target: "_blank", rel: "noopener" }, "RAWG");
  return h("footer", { class: "gr-footer" }, `${t("data")} `, rawg, ".");
}

// Production, another version, or both; which other is chosen from all there are.
export function versionSwitch({ t, chosen, versions, onchange }) {
  const nameOf = (version) => (version in { candidate: 1, previous: 1 } ? t(version) : version);
  const others = ["candidate", ...versions.map((version) => version.name)];
  const set = (change) => onchange({ ...chosen, ...change });
  const button = (view, word) =>
    h("button", { type: "button", "aria-pressed": String(chosen.view === view), onclick: () => set({ view }) }, word);
  const select = h("select", { "aria-label": t("compareWith"), onchange: (event) => set({ other: event.target.value }) },
    ...others.map((value) => h("option", { value, selected: value === chosen.other }, nameOf(value))));
  return h(
    "div", { class: "gr-versions" },
    h("div", { class: "gr-switch", role: "group", "aria-label": t("version") },
      button("live", t("production")), button("other", nameOf(chosen.other)), button("both", t("both"))),
    chosen.view === "live" ? null : select,
  );
}

export function wantedChannels({ view, other }) {
  return { live: ["production"], other: [other], both: ["production", other] }[view];
}
