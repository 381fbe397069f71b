// What can be turned while looking: sliders, years, genres and tags in and out.
import { h, icon, uniqueId } from "./dom.js";
import { genreName } from "./words.js";

const TAGS_SHOWN = 14;

export function defaults(k) {
  return { k, popularity: 0, diversity: 0, years: [null, null], genres: {}, tags: {} };
}

// settings: changed in place; onchange: called after every change
export function controls({ settings, catalogue, t, language, onchange, onreset }) {
  const parts = [
    slider(t("howMany"), 4, 30, 1, settings.k, (v) => { settings.k = v; }, (v) => String(v), onchange),
    slider(
      t("mood"), -1, 1, 0.1, settings.popularity, (v) => { settings.popularity = v; },
      (v) => (v < -0.05 ? t("deep") : v > 0.05 ? t("mainstream") : t("middle")), onchange, [t("deep"), t("mainstream")],
    ),
    slider(
      t("variety"), 0, 1, 0.1, settings.diversity, (v) => { settings.diversity = v; },
      (v) => `${Math.round(v * 100)} %`, onchange, [t("similarOnes"), t("mixed")],
    ),
  ];
  if (catalogue.years[0]) parts.push(years(settings, catalogue.years, t, onchange));
  if (catalogue.genres.length) parts.push(chips(t("genres"), catalogue.genres, settings.genres, t, (g) => genreName(language, g), onchange));
  if (catalogue.tags.length) parts.push(tags(settings, catalogue.tags, t, onchange));
  return h(
    "details", { class: "gr-controls", open: true },
    h("summary", {}, icon("tune"), h("h2", {}, t("controls"))),
    ...parts,
    h("button", { type: "button", class: "gr-quiet", onclick: onreset }, t("reset")),
  );
}

function slider(label, min, max, step, value, set, say, onchange, ends) {
  const id = uniqueId("slider");
  const output = h("output", { for: id }, say(value));
  const input = h("input", { id, type: "range", min, max, step, value, "aria-valuetext": say(value) });
  const paint = () => input.style.setProperty("--at", `${((input.value - min) / (max - min)) * 100}%`);
  paint();
  input.addEventListener("input", () => {
    const now = Number(input.value);
    set(now);
    output.textContent = say(now);
    input.setAttribute("aria-valuetext", say(now));
    paint();
    onchange();
  });
  return h(
    "div", { class: "gr-slider" },
    h("div", { class: "gr-row" }, h("label", { for: id, class: "gr-label" }, label), output),
    input,
    ends ? h("div", { class: "gr-row gr-ends", "aria-hidden": "true" }, h("span", {}, ends[0]), h("span", {}, ends[1])) : null,
  );
}

function years(settings, [first, last], t, onchange) {
  const field = (place, label, hint) => {
    const input = h("input", {
      type: "number", min: first, max: last, step: 1, placeholder: hint, value: settings.years[place],
      "aria-label": label, inputmode: "numeric",
    });
    input.addEventListener("input", () => {
      const year = Number(input.value);
      const usable = /^\d{4}$/.test(input.value);
      if (!usable && input.value !== "") return; // half typed
      settings.years[place] = usable ? year : null;
      onchange();
    });
    return input;
  };
  return h(
    "fieldset", { class: "gr-years" },
    h("legend", { class: "gr-label" }, t("years")),
    h("div", { class: "gr-row" }, field(0, t("from"), first), h("span", { "aria-hidden": "true" }, "–"), field(1, t("to"), last)),
  );
}

// A chip goes round: no matter, wanted, left out.
function chips(label, names, chosen, t, shownAs, onchange, before = null) {
  const cloud = h("div", { class: "gr-chips" }, ...names.map((name) => chip(name, chosen, t, shownAs, onchange)));
  return h("fieldset", {}, h("legend", { class: "gr-label" }, label), before, cloud, h("p", { class: "gr-help" }, t("chipHelp")));
}

function chip(name, chosen, t, shownAs, onchange) {
  const button = h("button", { type: "button", class: "gr-chip" });
  const paint = () => {
    const state = chosen[name] || "neutral";
    button.dataset.state = state;
    button.textContent = `${state === "wanted" ? "+ " : state === "unwanted" ? "− " : ""}${shownAs(name)}`;
    button.setAttribute("aria-label", t(state, { name: shownAs(name) }));
  };
  button.addEventListener("click", () => {
    const next = { wanted: "unwanted", unwanted: undefined }[chosen[name] || ""];
    if (!(name in chosen)) chosen[name] = "wanted";
    else if (next) chosen[name] = next;
    else delete chosen[name];
    paint();
    onchange();
  });
  paint();
  return button;
}

function tags(settings, all, t, onchange) {
  const same = (name) => name;
  const field = h("input", { type: "search", placeholder: t("tagSearch"), "aria-label": t("tagSearch"), class: "gr-tagsearch" });
  const box = chips(t("tags"), [], settings.tags, t, same, onchange, all.length > TAGS_SHOWN ? field : null);
  const cloud = box.querySelector(".gr-chips");
  const fill = () => {
    const text = field.value.trim().toLowerCase();
    const found = all.filter((name) => name.toLowerCase().includes(text));
    const names = [...new Set([...Object.keys(settings.tags), ...found.slice(0, TAGS_SHOWN)])];
    cloud.replaceChildren(...names.map((name) => chip(name, settings.tags, t, same, onchange)));
  };
  field.addEventListener("input", fill);
  fill();
  return box;
}

export function filters(settings) {
  const of = (chosen, state) => Object.keys(chosen).filter((name) => chosen[name] === state);
  return {
    genres_any: of(settings.genres, "wanted"), genres_none: of(settings.genres, "unwanted"),
    tags_any: of(settings.tags, "wanted"), tags_none: of(settings.tags, "unwanted"),
    year_from: settings.years[0], year_to: settings.years[1],
  };
}
