// Elements in one line each, and what is remembered of a visitor's look.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

let numbered = 0;
export function uniqueId(prefix) {
  numbered += 1;
  return `gamerec-${prefix}-${numbered}`;
}

// 24 × 24 line drawings, for screens only: the words stand beside them or in a label.
const ICONS = {
  like: "M12 20s-7-4.4-9-9c-1.3-3.1.6-6.5 4-6.5 2.1 0 3.7 1.2 5 3 1.3-1.8 2.9-3 5-3 3.4 0 5.3 3.4 4 6.5-2 4.6-9 9-9 9z",
  no: "M6 6l12 12M18 6L6 18",
  played: "M5 12.5l4.5 4.5L19 7.5",
  similar: "M9 9h11v11H9zM4 15V4h11",
  search: "M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM15.5 15.5L20 20",
  spark: "M12 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2z",
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z",
  tune: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4.5v5M8 14.5v5",
};
export function icon(name) {
  const holder = h("span", { class: "gr-icon", "aria-hidden": "true" });
  holder.innerHTML = `<svg viewBox="0 0 24 24"><path d="${ICONS[name]}"/></svg>`;
  return holder;
}

const LOOK = "gamerec.look";
export function rememberedLook() {
  try {
    return JSON.parse(localStorage.getItem(LOOK) || "{}");
  } catch {
    return {}; // no storage in a private window, or somebody else's value
  }
}
export function rememberLook(look) {
  try {
    localStorage.setItem(LOOK, JSON.stringify(look));
  } catch {
    // it lasts as long as the page
  }
}
