// A search box with suggestions: the combobox of the WAI-ARIA practices, by mouse, touch and keys.
import { h, icon, uniqueId } from "./dom.js";

const WAIT = 90; // ms after the last key

export function picker({ label, hint, empty, search, onpick, describe }) {
  const list = uniqueId("list");
  const input = h("input", {
    id: uniqueId("search"), type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
    placeholder: hint, "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list",
    enterkeyhint: "search",
  });
  const box = h("ul", { id: list, role: "listbox", "aria-label": label, class: "gr-suggestions", hidden: true });
  let found = [];
  let chosen = -1;
  let timer = 0;
  let asked = 0;

  function close() {
    box.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    chosen = index;
    [...box.children].forEach((row, n) => row.setAttribute("aria-selected", String(n === index)));
    const row = box.children[index];
    if (!row || !found.length) return;
    input.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  function pick(index) {
    const item = found[index];
    if (!item) return;
    input.value = "";
    close();
    onpick(item);
    input.focus();
  }

  function show(items) {
    found = items;
    const rows = items.map((item, n) =>
      h(
        "li", { role: "option", id: `${list}-${n}`, "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); pick(n); } },
        h("span", { class: "gr-clip" }, item.name), h("small", {}, describe(item)),
      ),
    );
    if (!rows.length) rows.push(h("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "gr-nothing" }, empty));
    box.replaceChildren(...rows);
    box.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (items.length) choose(0);
  }

  async function suggest() {
    asked += 1;
    const mine = asked;
    const text = input.value.trim();
    if (!text) return close();
    const items = await search(text);
    if (mine === asked && input.value.trim() === text) show(items);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !box.hidden) pick(Math.max(chosen, 0));
    else if (event.key === "ArrowDown" && box.hidden) suggest();
    else if (event.key === "ArrowDown") choose((chosen + 1) % Math.max(found.length, 1));
    else if (event.key === "ArrowUp") choose((chosen - 1 + found.length) % Math.max(found.length, 1));
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => { asked += 1; close(); });

  return h(
    "div", { class: "gr-picker" },
    h("label", { for: input.id, class: "gr-label" }, label),
    h("div", { class: "gr-field" }, icon("search"), input, box),
  );
}
