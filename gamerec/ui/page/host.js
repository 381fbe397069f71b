// The page outside of JupyterLab: as much of a Jupyter front end as one widget needs.
//
// Voilà's own front end is JupyterLab, some megabytes of it. This page has its first cards in the
// HTML, and talks to its kernel over Jupyter's web socket: one comm.
import page from "./page.js";
import { h } from "./dom.js";

const OPENING = "application/vnd.gamerec.opening+json";
const VIEW = "application/vnd.jupyter.widget-view+json";
const PROTOCOL = "v1.kernel.websocket.jupyter.org";
const BASE = document.body.dataset.baseUrl;

function read(documentRead) {
  const output = documentRead.getElementById("gamerec-opening");
  const config = documentRead.getElementById("jupyter-config-data");
  if (!output || !config) return null;
  const data = JSON.parse(output.textContent);
  return { kernel: JSON.parse(config.textContent).kernelId, comm: data[VIEW].model_id, traits: data[OPENING] };
}

// The model as anywidget hands it to `render`: traits to read, messages to send and to hear.
function modelOf(first) {
  const session = crypto.randomUUID?.() || Math.random().toString(36).slice(2); // http on a LAN has none
  const heard = [];
  let there = first;
  let socket = null;
  let opening = null;
  let number = 0;

  function address() {
    const url = new URL(`${BASE}api/kernels/${there.kernel}/channels?session_id=${session}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    return url;
  }

  function connect() {
    return new Promise((resolve, reject) => {
      const next = new WebSocket(address(), PROTOCOL);
      next.binaryType = "arraybuffer";
      next.onopen = () => resolve(next);
      next.onclose = next.onerror = () => reject(new Error("no connection"));
      next.onmessage = ({ data }) => hear(data);
    });
  }

  function hear(data) {
    const { header, content } = unpacked(data);
    const { comm_id, data: said } = content;
    if (header.msg_type !== "comm_msg" || comm_id !== there.comm || said.method !== "custom") return;
    heard.forEach((callback) => callback(said.content));
  }

  // A kernel that is gone (the page slept, the server was restarted) is replaced by a new one: all
  // that the page remembers is in the page.
  async function open() {
    try {
      return await connect();
    } catch {
      const answer = await fetch(location.href, { cache: "no-store" });
      const fresh = read(new DOMParser().parseFromString(await answer.text(), "text/html"));
      if (!fresh) throw new Error("no page");
      there = fresh;
      return connect();
    }
  }

  async function ready() {
    if (socket?.readyState === WebSocket.OPEN) return socket;
    opening ??= open().finally(() => { opening = null; });
    socket = await opening;
    return socket;
  }

  function message(type, channel, content) {
    number += 1;
    const header = { msg_id: `${session}-${number}`, msg_type: type, session, username: "", version: "5.3", date: new Date().toISOString() };
    return packed(channel, header, {}, {}, content);
  }

  // A page that is left takes its kernel with it; one that the browser may show again does not.
  addEventListener("pagehide", (event) => {
    if (!event.persisted && socket?.readyState === WebSocket.OPEN) socket.send(message("shutdown_request", "control", { restart: false }));
  });
  ready().catch(() => {}); // the first question tries again

  return {
    renew: () => socket?.close(),
    get: (name) => there.traits[name],
    on: (name, callback) => heard.push(callback),
    send: (content) => ready().then((open) => open.send(message("comm_msg", "shell", { comm_id: there.comm, data: { method: "custom", content } }))).catch(() => {}),
  };
}

// Protocol v1 of Jupyter's web socket: the number of offsets, the offsets (64 bits, little end
// first), then channel, header, parent header, metadata, content and binary parts.
function packed(channel, ...values) {
  const texts = [channel, ...values.map((value) => JSON.stringify(value))].map((text) => new TextEncoder().encode(text));
  const offsets = [8 * (texts.length + 2)];
  texts.forEach((text, n) => offsets.push(offsets[n] + text.length));
  const data = new Uint8Array(offsets[texts.length]);
  const view = new DataView(data.buffer);
  [offsets.length, ...offsets].forEach((number, n) => view.setBigUint64(8 * n, BigInt(number), true));
  texts.forEach((text, n) => data.set(text, offsets[n]));
  return data;
}

function unpacked(data) {
  const view = new DataView(data);
  const count = Number(view.getBigUint64(0, true));
  const offsets = Array.from({ length: count }, (_, n) => Number(view.getBigUint64(8 * (n + 1), true)));
  const parts = offsets.slice(0, -1).map((start, n) => data.slice(start, offsets[n + 1]));
  const json = (part) => JSON.parse(new TextDecoder().decode(part));
  return { header: json(parts[1]), content: json(parts[4]) };
}

const found = read(document);
if (found) {
  const el = h("div", { id: "gamerec" });
  document.body.append(el);
  page.render({ model: modelOf(found), el });
} else {
  window.gamerec_failed(document.body.dataset.failed || "no-output");
}
