// Covers: a picture kept in the store, or one drawn from the title in the colours of the genres.
import { h } from "./dom.js";

const HUES = {
  Action: 8, Adventure: 150, RPG: 275, Shooter: 25, Strategy: 215, Simulation: 190, Sports: 120,
  Racing: 350, Casual: 45, Indie: 320, Puzzle: 60, Platformer: 95, Arcade: 300, Fighting: 0,
  Family: 170, "Massively Multiplayer": 250, "Board Games": 35, Card: 200, Educational: 80,
};

function hueOf(text) {
  if (text in HUES) return HUES[text];
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

function lines(title) {
  const found = [""];
  for (const word of title.split(/\s+/)) {
    const last = found[found.length - 1];
    if (last && last.length + word.length > 16) found.push(word);
    else found[found.length - 1] = last ? `${last} ${word}` : word;
  }
  const cut = found.slice(0, 3);
  if (found.length > 3) cut[2] += "…";
  return cut.map((line) => (line.length > 20 ? `${line.slice(0, 19)}…` : line));
}

const SVG = "http://www.w3.org/2000/svg";
function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let drawings = 0;
export function drawnCover(item) {
  drawings += 1;
  const first = hueOf(item.genres[0] || item.name);
  const seed = hueOf(`${item.name}.`);
  const second = item.genres[1] ? hueOf(item.genres[1]) : (first + 25 + (seed % 70)) % 360;
  const id = `gamerec-cover-${drawings}`;
  const gradient = s(
    "linearGradient", { id, gradientTransform: `rotate(${seed % 70})` },
    s("stop", { offset: "0", "stop-color": `hsl(${first} 62% 38%)` }),
    s("stop", { offset: "1", "stop-color": `hsl(${second} 66% 22%)` }),
  );
  const shapes = [0, 1, 2].map((n) =>
    s("circle", {
      cx: (seed * (n + 3) * 7) % 320, cy: (seed * (n + 2) * 5) % 180, r: 34 + ((seed * (n + 1)) % 62),
      fill: `hsl(${n % 2 ? second : first} 80% 62% / .17)`,
    }),
  );
  const ray = (seed % 5) * 60;
  shapes.push(s("path", { d: `M${ray} 180L${ray + 90} 0h58L${ray + 58} 180z`, fill: `hsl(${second} 90% 75% / .1)` }));
  const rows = lines(item.name);
  const widest = Math.max(...rows.map((row) => row.length));
  const size = Math.min(rows.length > 2 ? 27 : 31, 470 / widest);
  const text = s("text", {
    "text-anchor": "middle", fill: "#fff", "font-size": size, "font-weight": 800,
    "letter-spacing": "-.5", "font-family": "system-ui, sans-serif",
  });
  rows.forEach((row, n) => {
    const line = s("tspan", { x: 160, y: 90 + size * 0.36 + (n - (rows.length - 1) / 2) * size * 1.16 });
    line.textContent = row;
    text.append(line);
  });
  return s(
    "svg",
    { viewBox: "0 0 320 180", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true", class: "gr-drawn" },
    s("defs", {}, gradient), s("rect", { width: 320, height: 180, fill: `url(#${id})` }), ...shapes, text,
  );
}

// Pictures come after the cards, all of a list at once; each is asked for once in the page's life.
export function coverShelf(ask) {
  const urls = new Map(); // game id -> address of its picture, or null where there is none
  const open = new Set();

  async function fetchCovers(ids, again) {
    const missing = ids.filter((id) => !urls.has(id) && !open.has(id));
    if (!missing.length) return;
    missing.forEach((id) => open.add(id));
    try {
      const { games, coming, pictures } = await ask("covers", { games: missing });
      games.forEach((id, n) => {
        urls.set(id, `data:image/jpeg;base64,${pictures[n]}`);
        for (const holder of document.querySelectorAll(`[data-cover="${CSS.escape(String(id))}"]`)) show(holder, id);
      });
      missing.forEach((id) => open.delete(id));
      missing.filter((id) => !urls.has(id) && !coming.includes(id)).forEach((id) => urls.set(id, null));
      if (coming.length && again > 0) setTimeout(() => fetchCovers(coming, again - 1), 1500);
    } catch {
      missing.forEach((id) => open.delete(id)); // a drawn cover does as well
    }
  }

  function show(holder, id) {
    if (urls.get(id)) holder.replaceChildren(h("img", { src: urls.get(id), alt: "", decoding: "async" }));
  }

  return {
    cover(item) {
      const holder = h("div", { class: "gr-cover", "data-cover": item.game_id });
      holder.append(drawnCover(item));
      show(holder, item.game_id);
      return holder;
    },
    want: (items) => fetchCovers(items.filter((item) => item.image_url).map((item) => item.game_id), 4),
  };
}
