// The page: what is shown, what was said, and the way between them. Nothing here knows of models.
import { tiles } from "./about.js";
import { asker, latest, Lost } from "./ask.js";
import { controls, defaults, filters } from "./controls.js";
import { coverShelf } from "./cover.js";
import { h, rememberedLook, rememberLook } from "./dom.js";
import { footer, header, versionSwitch, wantedChannels } from "./frame.js";
import { faultBox, results } from "./results.js";
import { ways } from "./ways.js";
import { preferredLanguage, translator } from "./words.js";

const LOOK_AGAIN = 5000; // ms between looks for a new version
const NARROW = 800; // px; controls begin closed

function render({ model, el }) {
  const opening = model.get("opening");
  const wished = { language: model.get("language"), theme: model.get("theme"), ...rememberedLook() };
  const state = {
    language: preferredLanguage(wished.language),
    theme: wished.theme || "auto",
    mode: opening.user_id === null ? "picks" : "user",
    user: opening.user_id,
    player: opening.player, // what is known of the user
    picks: [...opening.picks],
    feedback: new Map(), // game id -> what was said in this page's life
    settings: defaults(opening.k),
    versions: { view: "live", other: "candidate" },
    allVersions: [],
    shown: [], // ids on the pages before this one
    pages: 0,
    similar: null, // the game whose likes are shown
    answer: opening.answer,
    status: opening.status,
    catalogue: opening.catalogue,
    fault: opening.fault,
    durable: true, // whether feedback outlives the page
  };
  const ask = asker(model);
  const shelf = coverShelf(ask);
  const inVoila = document.body.dataset.voila !== undefined;
  // JupyterLab takes keys for itself (arrows on a slider move between cells), but not below this
  const root = h("div", { class: "gamerec", "data-lm-suppress-shortcuts": "true" });
  const announcer = h("p", { class: "gr-hidden", role: "status", "aria-live": "polite" });
  let t = translator(state.language);
  let places = {};
  let toastTimer = 0;

  // ------------------------------------------------------------------ asking

  function question() {
    const { settings, feedback } = state;
    const said = (wanted) => [...feedback].filter(([, kind]) => (kind === "disliked") === wanted).map(([id]) => id);
    const picked = state.mode === "picks" ? state.picks.map((game) => game.game_id) : [];
    return {
      user_id: state.mode === "user" ? state.user : null,
      games: [...new Set([...picked, ...said(false)])],
      exclude: [...said(true), ...state.shown],
      k: settings.k, diversity: settings.diversity, popularity: settings.popularity, filters: filters(settings),
      channels: wantedChannels(state.versions),
    };
  }

  const refresh = latest(async () => {
    const asked = state.similar;
    places.results.setAttribute("aria-busy", "true");
    try {
      const answer = asked
        ? await ask("similar", { game_id: asked.game_id, k: state.settings.k, channels: wantedChannels(state.versions).slice(0, 1) })
        : await ask("recommend", question());
      if (state.similar === asked) state.answer = answer;
      state.fault = null;
    } catch (error) {
      failed(error);
    }
    places.results.removeAttribute("aria-busy");
    showResults();
  });

  function failed(error) {
    if (error instanceof Lost) state.fault = { kind: "lost" };
    else state.fault = { kind: error.kind || "error", id: error.id || "page", message: error.message };
    if (!error.kind && !(error instanceof Lost)) console.warn(error);
  }

  function fromTheTop() {
    state.shown = [];
    state.pages = 0;
    state.similar = null;
  }

  function changed() {
    if (!state.similar) fromTheTop();
    refresh();
  }

  // ------------------------------------------------------------------ what a visitor does

  const on = {
    mode(mode) {
      state.mode = mode;
      fromTheTop();
      showWays();
      places.ways.querySelector("[aria-selected=true]").focus();
      refresh();
    },
    pick(game) {
      if (!state.picks.some((other) => other.game_id === game.game_id)) state.picks.push(game);
      fromTheTop();
      showWays();
      refresh();
    },
    unpick(game) {
      state.picks = state.picks.filter((other) => other.game_id !== game.game_id);
      if (state.feedback.get(game.game_id) !== "disliked") state.feedback.delete(game.game_id);
      fromTheTop();
      showWays();
      places.ways.querySelector("input").focus();
      refresh();
    },
    clear() {
      state.picks = [];
      for (const [id, kind] of state.feedback) if (kind !== "disliked") state.feedback.delete(id);
      fromTheTop();
      showWays();
      places.ways.querySelector("input").focus();
      refresh();
    },
    async enter(text) {
      const id = text.trim();
      if (!id) return;
      fromTheTop();
      state.feedback.clear();
      try {
        state.player = await ask("player", { user_id: id });
        state.user = id;
      } catch (error) {
        failed(error);
      }
      showWays();
      refresh();
    },
    async search(text) {
      try {
        return (await ask("search", { text })).games;
      } catch (error) {
        failed(error);
        showResults();
        return [];
      }
    },
  };

  async function say(kind, item) {
    if (kind === "similar") {
      state.similar = item;
      await refresh();
      toTheTop();
      return;
    }
    const known = item.game_id;
    state.feedback.set(known, kind);
    if (state.mode === "picks" && kind !== "disliked" && !state.picks.some((game) => game.game_id === known)) {
      state.picks.push(item);
      showWays();
    }
    for (const card of root.querySelectorAll(`[data-game="${CSS.escape(String(known))}"]`)) card.classList.add("gr-leaving");
    const kept = ask("feedback", { kind, game_id: known, user_id: state.mode === "user" ? state.user : null });
    refresh();
    try {
      state.durable = (await kept).durable;
      const word = { liked: "liked", disliked: "disliked", played: "wasPlayed" }[kind];
      toast(`${t(word, { name: item.name })}${state.durable ? "" : ` ${t("keptHere")}`}`);
      places.notes.replaceChildren(...notes());
    } catch (error) {
      failed(error);
      showResults();
    }
  }

  async function next() {
    state.shown.push(...state.answer.lists.flatMap((list) => list.items.map((item) => item.game_id)));
    state.pages += state.settings.k;
    await refresh();
    toTheTop();
  }

  function toTheTop() {
    places.heading.focus({ preventScroll: true });
    places.heading.scrollIntoView({ block: "start" });
  }

  // ------------------------------------------------------------------ what is shown

  function showFrame() {
    t = translator(state.language);
    showLook();
    places = {
      ways: h("section", { class: "gr-ways", "aria-label": t("ways") }),
      side: h("aside", { class: "gr-side", "aria-label": t("controls") }),
      heading: h("h2", { tabindex: "-1", class: "gr-heading" }),
      versions: h("div", {}),
      notes: h("div", { class: "gr-notes" }),
      results: h("div", { class: "gr-results" }),
      more: h("div", { class: "gr-more" }),
      about: h("section", { class: "gr-about", "aria-label": t("behind") }),
      toast: h("div", { class: "gr-toast", hidden: true }),
    };
    const { heading, versions, notes: told, results: list, more } = places;
    const columns = h("div", { class: "gr-columns" }, places.side,
      h("section", { class: "gr-list", "aria-label": t("forYou") }, h("div", { class: "gr-listhead" }, heading, versions), told, list, more));
    const onlook = (change) => { Object.assign(state, change); rememberLook({ language: state.language, theme: state.theme }); showFrame(); };
    root.replaceChildren(
      header(t, state, onlook),
      h(inVoila ? "main" : "div", { class: "gr-main" }, places.ways, columns, places.about),
      footer(t), places.toast, announcer,
    );
    showControls();
    showVersions();
    showWays();
    showResults();
  }

  function showLook() {
    const system = inVoila ? "auto" : document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    root.lang = state.language;
    root.dataset.theme = state.theme === "auto" ? system : state.theme;
    if (!inVoila) return;
    Object.assign(document.documentElement, { lang: state.language });
    document.documentElement.dataset.theme = state.theme;
    document.title = `${t("title")} · gamerec`;
  }

  function showControls() {
    const onreset = () => { state.settings = defaults(opening.k); showControls(); changed(); };
    const box = controls({ settings: state.settings, catalogue: state.catalogue, t, language: state.language, onchange: changed, onreset });
    box.open = (root.clientWidth || innerWidth) >= NARROW;
    places.side.replaceChildren(box);
  }

  function showVersions() {
    const onchange = async (chosen) => {
      const focused = document.activeElement?.getAttribute("aria-label") === t("compareWith") ? "select" : `[aria-pressed="true"]`;
      state.versions = chosen;
      showVersions();
      places.versions.querySelector(focused)?.focus();
      changed();
      if (state.allVersions.length) return;
      state.allVersions = (await ask("versions").catch(() => ({ versions: [] }))).versions;
      showVersions();
      places.versions.querySelector(focused)?.focus();
    };
    places.versions.replaceChildren(versionSwitch({ t, chosen: state.versions, versions: state.allVersions, onchange }));
  }

  function showWays() {
    const typing = places.ways.contains(document.activeElement) && document.activeElement.role === "combobox";
    const { language, mode, picks, user, player, catalogue } = state;
    places.ways.replaceChildren(...ways({ t, language, mode, picks, user, player, example: catalogue.example, on }));
    if (typing) places.ways.querySelector("[role=combobox]")?.focus();
  }

  function showResults() {
    document.getElementById("gamerec-skeleton")?.remove();
    const { answer, fault, status } = state;
    places.about.replaceChildren(...(status.version ? [h("h2", {}, t("behind")), tiles(status, t, state.language)] : []));
    places.results.classList.toggle("gr-two", !fault && answer.lists.length > 1);
    if (fault) {
      const [title, box] = faultBox(fault, t, () => refresh());
      places.heading.textContent = title;
      places.notes.replaceChildren();
      places.more.replaceChildren();
      places.results.replaceChildren(box);
      return;
    }
    const items = answer.lists.flatMap((list) => list.items);
    const popular = answer.lists.every((list) => list.source === "popular");
    const title = state.similar ? t("likeThis", { name: state.similar.name }) : t(popular ? "popularNow" : "forYou");
    places.heading.textContent = title;
    places.notes.replaceChildren(...notes());
    places.results.replaceChildren(...results(answer, {
      t, language: state.language, shelf, similar: state.similar, who: state.mode, before: state.similar ? 0 : state.pages, on: say, feedback: state.feedback,
    }));
    places.more.replaceChildren(...moreButtons(items.length));
    announcer.textContent = `${title}: ${t("updated", { n: items.length })}`;
    shelf.want(items);
    performance.mark("gamerec:list");
    root.dataset.answers = String(Number(root.dataset.answers || 0) + 1);
  }

  function notes() {
    const { lists } = state.answer;
    const found = [];
    if (lists.some((list) => list.source === "batch")) found.push(t("byBatch"));
    if (!state.similar && state.mode === "user" && state.player?.known === false) found.push(t("userUnknown", { id: state.user }));
    if (!state.durable) found.push(t("keptHere"));
    const [first, second] = lists.map((list) => list.version);
    if (second && first === second) found.push(t("sameVersion", { version: first }));
    const short = Math.max(...lists.map((list) => list.items.length));
    if (short > 0 && short < state.settings.k && !state.similar) found.push(t("fewer", { n: short }));
    return found.map((text) => h("p", { class: "gr-note" }, text));
  }

  function moreButtons(count) {
    const button = (word, onclick, kind) => h("button", { type: "button", class: kind, onclick }, t(word));
    const back = async () => { state.similar = null; await refresh(); toTheTop(); };
    const over = async () => { fromTheTop(); await refresh(); toTheTop(); };
    if (state.similar) return [button("back", back, "gr-primary")];
    return [
      ...(count ? [button("next", next, "gr-primary")] : []),
      ...(state.shown.length ? [button("over", over, "gr-quiet")] : []),
    ];
  }

  function toast(text) {
    clearTimeout(toastTimer);
    places.toast.replaceChildren(h("span", {}, text));
    places.toast.hidden = false;
    announcer.textContent = text;
    toastTimer = setTimeout(() => { places.toast.hidden = true; }, 4000);
  }

  // ------------------------------------------------------------------ what changes meanwhile

  const lookAgain = latest(async () => {
    if (document.hidden) return;
    let status;
    try {
      status = await ask("status");
    } catch (error) {
      if (!(error instanceof Lost) || state.fault) return;
      failed(error);
      showResults();
      return;
    }
    const before = state.status.version;
    const waiting = state.fault && state.fault.kind !== "usage" && status.version;
    state.status = status;
    if (waiting && !before) {
      state.catalogue = await ask("catalogue");
      showFrame();
    }
    if (before && before !== status.version) toast(t("swapped", { version: status.version }));
    else if (!waiting) return;
    state.allVersions = [];
    refresh();
  });

  el.append(root);
  showFrame();
  const timer = setInterval(lookAgain, LOOK_AGAIN);
  return () => {
    clearInterval(timer);
    clearTimeout(toastTimer);
  };
}

export default { render };
