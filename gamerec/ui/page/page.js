// The page: what is shown, what was said, and the way between them. Nothing here knows of models.
import { tiles } from "./about.js";
import { asker, latest, Lost } from "./ask.js";
import { card, skeletons } from "./card.js";
import { controls, defaults, filters } from "./controls.js";
import { coverShelf } from "./cover.js";
import { h, icon, rememberedLook, rememberLook, uniqueId } from "./dom.js";
import { picker } from "./picker.js";
import { genreName, preferredLanguage, translator } from "./words.js";

const LOOK_AGAIN = 5000; // ms between looks for a new version

function render({ model, el }) {
  const opening = model.get("opening");
  const look = { language: model.get("language"), theme: model.get("theme"), ...rememberedLook() };
  const state = {
    language: preferredLanguage(look.language),
    theme: look.theme || "auto",
    mode: opening.user_id === null ? "picks" : "user",
    user: opening.user_id,
    player: opening.player, // what is known of the user
    picks: [...opening.picks],
    feedback: new Map(), // game id -> what was said in this page's life
    said: new Map(), // the same games, to name them
    settings: defaults(opening.k),
    channel: "production",
    shown: [], // ids on the pages before this one
    similar: null, // the game whose likes are shown
    answer: opening.answer,
    status: opening.status,
    catalogue: opening.catalogue,
    fault: opening.fault,
    durable: true,
  };
  const ask = asker(model);
  const shelf = coverShelf(ask);
  const inVoila = document.body.dataset.voila !== undefined;
  const root = h("div", { class: "gamerec" });
  const announcer = h("p", { class: "gr-hidden", role: "status", "aria-live": "polite" });
  let t = translator(state.language);
  let places = {};
  let toastTimer = 0;

  // ------------------------------------------------------------------ asking

  function question() {
    const s = state.settings;
    const liked = [...state.feedback].filter(([, kind]) => kind !== "disliked").map(([id]) => id);
    const disliked = [...state.feedback].filter(([, kind]) => kind === "disliked").map(([id]) => id);
    const picked = state.mode === "picks" ? state.picks.map((game) => game.game_id) : [];
    return {
      user_id: state.mode === "user" ? state.user : null,
      games: [...new Set([...picked, ...liked])],
      exclude: [...disliked, ...state.shown],
      k: s.k, diversity: s.diversity, popularity: s.popularity, filters: filters(s),
      channels: state.channel === "both" ? ["production", "candidate"] : [state.channel],
    };
  }

  const refresh = latest(async () => {
    places.results.setAttribute("aria-busy", "true");
    try {
      if (state.similar) {
        const asked = state.similar;
        const answer = await ask("similar", { game_id: asked.game_id, k: state.settings.k, channel: state.channel });
        if (state.similar === asked) state.answer = answer;
      } else {
        const similar = state.similar;
        const answer = await ask("recommend", question());
        if (state.similar === similar) state.answer = answer;
      }
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
    state.similar = null;
  }
  function changed() {
    if (!state.similar) state.shown = [];
    refresh();
  }

  // ------------------------------------------------------------------ what a visitor does

  function pick(game) {
    if (!state.picks.some((other) => other.game_id === game.game_id)) state.picks.push(game);
    fromTheTop();
    showWays();
    refresh();
  }
  function unpick(game) {
    state.picks = state.picks.filter((other) => other.game_id !== game.game_id);
    if (state.feedback.get(game.game_id) !== "disliked") state.feedback.delete(game.game_id);
    fromTheTop();
    showWays();
    refresh();
  }
  async function enter(user) {
    const id = user.trim();
    if (!id) return;
    state.mode = "user";
    fromTheTop();
    state.feedback.clear();
    try {
      const player = await ask("player", { user_id: id });
      state.user = player.user_id;
      state.player = player;
    } catch (error) {
      failed(error);
    }
    showWays();
    refresh();
  }

  async function say(kind, item) {
    if (kind === "similar") {
      state.similar = item;
      await refresh();
      places.heading.focus();
      return;
    }
    state.feedback.set(item.game_id, kind);
    state.said.set(item.game_id, item);
    if (state.mode === "picks" && kind !== "disliked" && !state.picks.some((g) => g.game_id === item.game_id)) {
      state.picks.push({ game_id: item.game_id, name: item.name, genres: item.genres, year: item.year });
      showWays();
    }
    leave(item.game_id);
    const words = { liked: "liked", disliked: "disliked", played: "wasPlayed" }[kind];
    const kept = ask("feedback", { kind, game_id: item.game_id, user_id: state.mode === "user" ? state.user : null });
    refresh();
    try {
      state.durable = (await kept).durable;
      toast(`${t(words, { name: item.name })}${state.durable ? "" : ` ${t("keptHere")}`}`, state.durable);
    } catch (error) {
      failed(error);
      showResults();
    }
  }

  // The card goes at once; the list follows when the answer is there.
  function leave(gameId) {
    for (const element of root.querySelectorAll(`[data-game="${CSS.escape(String(gameId))}"]`)) element.classList.add("gr-leaving");
  }

  function next() {
    for (const list of state.answer.lists) state.shown.push(...list.items.map((item) => item.game_id));
    refresh().then(() => places.heading.focus());
  }

  // ------------------------------------------------------------------ what is shown

  function showFrame() {
    t = translator(state.language);
    root.lang = state.language;
    root.dataset.theme = state.theme;
    if (state.theme === "auto" && !inVoila) root.dataset.theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    if (inVoila) {
      document.documentElement.lang = state.language;
      document.documentElement.dataset.theme = state.theme;
      document.title = `${t("title")} · gamerec`;
    }
    places = {
      ways: h("section", { class: "gr-ways", "aria-label": t("ways") }),
      heading: h("h2", { tabindex: "-1", class: "gr-heading" }),
      notes: h("div", { class: "gr-notes" }),
      results: h("div", { class: "gr-results" }),
      more: h("div", { class: "gr-more" }),
      about: h("section", { class: "gr-about", "aria-label": t("behind") }),
      side: h("div", { class: "gr-side" }),
      toast: h("div", { class: "gr-toast", hidden: true }),
    };
    const body = h(inVoila ? "main" : "div", { class: "gr-main" },
      places.ways,
      h("div", { class: "gr-columns" }, places.side,
        h("section", { class: "gr-list", "aria-label": t("forYou") },
          h("div", { class: "gr-listhead" }, places.heading, versionSwitch()), places.notes, places.results, places.more)),
      places.about);
    root.replaceChildren(header(), body, footer(), places.toast, announcer);
    showControls();
    showWays();
    showResults();
  }

  function header() {
    const choice = (label, value, options, set) => {
      const select = h("select", { "aria-label": label, onchange: () => { set(select.value); rememberLook({ language: state.language, theme: state.theme }); showFrame(); } },
        ...options.map(([key, word]) => h("option", { value: key, selected: key === value }, word)));
      return select;
    };
    return h("header", { class: "gr-header" },
      h("div", { class: "gr-brand" }, h("span", { class: "gr-logo", "aria-hidden": "true" }, "g"),
        h("div", {}, h("h1", {}, t("title")), h("p", {}, t("subtitle")))),
      h("div", { class: "gr-look" },
        choice(t("language"), state.language, [["en", "English"], ["ko", "한국어"]], (value) => { state.language = value; }),
        choice(t("look"), state.theme, [["auto", t("auto")], ["light", t("light")], ["dark", t("dark")]], (value) => { state.theme = value; })));
  }

  function footer() {
    return h("footer", { class: "gr-footer" }, `${t("data")} `, h("a", { href: "https://rawg.io", target: "_blank", rel: "noopener" }, "RAWG"), ".");
  }

  function showControls() {
    const redo = () => { showControls(); changed(); };
    const box = controls({
      settings: state.settings, catalogue: state.catalogue, t, language: state.language, onchange: changed,
      onreset: () => { state.settings = defaults(opening.k); redo(); },
    });
    if (root.clientWidth && root.clientWidth < 800) box.open = false;
    places.side.replaceChildren(box);
  }

  function showWays() {
    const focused = places.ways.contains(document.activeElement) && document.activeElement.matches("input[role=combobox]");
    const tab = (mode, word) => h("button", {
      type: "button", role: "tab", id: `${tabs}-${mode}`, "aria-selected": String(state.mode === mode), "aria-controls": `${tabs}-panel`,
      tabindex: state.mode === mode ? "0" : "-1",
      onclick: () => { if (state.mode !== mode) { state.mode = mode; fromTheTop(); showWays(); places.ways.querySelector("[aria-selected=true]").focus(); refresh(); } },
      onkeydown: (event) => { if (event.key.startsWith("Arrow")) places.ways.querySelector("[role=tab][aria-selected=false]").click(); },
    }, t(word));
    const tabs = uniqueId("ways");
    const panel = h("div", { role: "tabpanel", id: `${tabs}-panel`, "aria-labelledby": `${tabs}-${state.mode}`, class: "gr-panel" },
      ...(state.mode === "picks" ? pickWay() : userWay()));
    places.ways.replaceChildren(h("div", { role: "tablist", class: "gr-tabs", "aria-label": t("ways") }, tab("picks", "pickTab"), tab("user", "userTab")), panel);
    if (focused) places.ways.querySelector("input[role=combobox]")?.focus();
  }

  function pickWay() {
    const describe = (game) => [game.year, ...game.genres.slice(0, 2).map((genre) => genreName(state.language, genre))].filter(Boolean).join(" · ");
    const box = picker({
      label: t("pickLabel"), hint: t("pickHint", { name: state.catalogue.example }), empty: t("noMatch"), describe, onpick: pick,
      search: async (text) => {
        try {
          return (await ask("search", { text })).games;
        } catch (error) {
          failed(error);
          showResults();
          return [];
        }
      },
    });
    const chips = state.picks.map((game) => h("li", {},
      h("button", { type: "button", class: "gr-pick", "aria-label": t("remove", { name: game.name }), onclick: () => unpick(game) },
        h("span", {}, game.name), icon("no"))));
    const clear = () => { state.picks = []; for (const [id, kind] of state.feedback) if (kind !== "disliked") state.feedback.delete(id); fromTheTop(); showWays(); refresh(); };
    return [box, chips.length
      ? h("div", { class: "gr-picks" }, h("ul", { "aria-label": t("yourPicks") }, ...chips),
        h("button", { type: "button", class: "gr-quiet", onclick: clear }, t("clear")))
      : h("p", { class: "gr-help" }, t("pickHelp"))];
  }

  function userWay() {
    const input = h("input", { id: uniqueId("user"), type: "text", autocomplete: "off", spellcheck: "false", placeholder: t("userHint", { id: state.catalogue.example_user }), value: state.user ?? "", enterkeyhint: "go" });
    const form = h("form", { class: "gr-userform", onsubmit: (event) => { event.preventDefault(); enter(input.value); } },
      h("label", { for: input.id, class: "gr-label" }, t("userLabel")),
      h("div", { class: "gr-field" }, input, h("button", { type: "submit", class: "gr-primary" }, t("userGo"))));
    return [form, h("p", { class: "gr-help", role: "status" }, playerLine())];
  }

  function playerLine() {
    const player = state.player;
    if (state.user === null || !player) return "";
    if (!player.known) return t("userUnknown", { id: state.user });
    const names = player.history.slice(0, 4).map((game) => game.name).join(", ");
    const rest = player.n - Math.min(4, player.history.length);
    return t("userKnown", { id: state.user, n: player.n, names }) + (rest > 0 ? t("userAndMore", { n: rest }) : "");
  }

  function versionSwitch() {
    const option = (channel, word) => h("button", {
      type: "button", "aria-pressed": String(state.channel === channel),
      onclick: (event) => {
        state.channel = channel;
        for (const other of event.currentTarget.parentElement.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
        changed();
      },
    }, t(word));
    return h("div", { class: "gr-switch", role: "group", "aria-label": t("version") }, option("production", "production"), option("candidate", "candidate"), option("both", "both"));
  }

  function showResults() {
    const { answer, fault } = state;
    document.getElementById("gamerec-skeleton")?.remove();
    places.about.replaceChildren(...(state.status.version ? [h("h2", {}, t("behind")), tiles(state.status, t, state.language)] : []));
    if (fault) return showFault(fault);
    const items = answer.lists.flatMap((list) => list.items);
    const popular = answer.lists.every((list) => list.source === "popular");
    const title = state.similar ? t("likeThis", { name: state.similar.name }) : popular ? t("popularNow") : t("forYou");
    places.heading.textContent = title;
    places.notes.replaceChildren(...notes(answer));
    places.results.classList.toggle("gr-two", answer.lists.length > 1);
    places.results.replaceChildren(...answer.lists.map((list) => oneList(list, answer.lists.length > 1)));
    places.more.replaceChildren(...moreButtons(items.length));
    announcer.textContent = `${title}: ${t("updated", { n: items.length })}`;
    shelf.want(items);
    root.dataset.answers = String(Number(root.dataset.answers || 0) + 1);
  }

  function notes(answer) {
    const found = [];
    if (answer.lists.some((list) => list.source === "batch")) found.push(t("byBatch"));
    if (!state.similar && state.mode === "user" && state.player?.known === false) found.push(t("userUnknown", { id: state.user }));
    if (!state.durable) found.push(t("keptHere"));
    const short = answer.lists[0].items.length;
    if (short && short < state.settings.k && !state.similar) found.push(t("fewer", { n: short }));
    return found.map((text) => h("p", { class: "gr-note" }, text));
  }

  function oneList(list, titled) {
    const by = state.similar ? "similar" : list.source === "popular" ? "popular" : state.mode === "user" ? "user" : "picks";
    const best = Math.max(0, ...list.items.map((item) => item.score ?? 0));
    const cards = list.items.map((item, n) =>
      h("li", {}, card(item, { t, language: state.language, shelf, best, by, rank: state.similar ? n + 1 : n + 1 + state.shown.length / (titled ? 2 : 1), on: say, feedback: state.feedback })));
    return h("div", { class: "gr-onelist" },
      titled ? h("h3", { class: "gr-version" }, t(list.channel), h("code", {}, list.version)) : null,
      cards.length ? h("ol", { class: "gr-cards" }, ...cards) : h("p", { class: "gr-nothing" }, t("none")));
  }

  function moreButtons(count) {
    const button = (word, onclick, kind) => h("button", { type: "button", class: kind, onclick }, t(word));
    if (state.similar) return [button("back", () => { state.similar = null; refresh(); }, "gr-primary")];
    return [
      count ? button("next", next, "gr-primary") : null,
      state.shown.length ? button("over", () => { fromTheTop(); refresh(); }, "gr-quiet") : null,
    ].filter(Boolean);
  }

  function showFault(fault) {
    const words = { no_model: ["noModelTitle", "noModel"], lost: ["lostTitle", "lost"] }[fault.kind] || ["faultTitle", "fault"];
    const again = fault.kind === "lost"
      ? h("button", { type: "button", class: "gr-primary", onclick: () => location.reload() }, t("reload"))
      : h("button", { type: "button", class: "gr-primary", onclick: () => refresh() }, t("retry"));
    places.heading.textContent = t(words[0]);
    places.notes.replaceChildren();
    places.more.replaceChildren();
    places.results.classList.remove("gr-two");
    places.results.replaceChildren(h("div", { class: "gr-fault", role: "alert" },
      h("p", {}, fault.kind === "usage" ? fault.message : t(words[1], { id: fault.id })), again));
  }

  function toast(text, brief = true) {
    clearTimeout(toastTimer);
    places.toast.replaceChildren(h("span", {}, text));
    places.toast.hidden = false;
    announcer.textContent = text;
    toastTimer = setTimeout(() => { places.toast.hidden = true; }, brief ? 3500 : 8000);
  }

  // ------------------------------------------------------------------ a model swapped meanwhile

  async function lookAgain() {
    if (document.hidden) return;
    let status;
    try {
      status = await ask("status");
    } catch (error) {
      if (error instanceof Lost) { failed(error); showResults(); }
      return;
    }
    const before = state.status.version;
    const appeared = state.fault?.kind === "no_model" && status.version;
    state.status = status;
    if (status.catalogue) state.catalogue = status.catalogue;
    if (!appeared && (!before || before === status.version)) return;
    if (appeared) showFrame();
    if (before) toast(t("swapped", { version: status.version }));
    refresh();
  }

  el.append(root);
  showFrame();
  const timer = setInterval(lookAgain, LOOK_AGAIN);
  if (inVoila && state.theme) document.documentElement.dataset.theme = state.theme;
  return () => {
    clearInterval(timer);
    clearTimeout(toastTimer);
    shelf.clear();
  };
}

export default { render };
