// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

"use strict";

const minutes = 5; // that charts show
const element = id => document.getElementById(id);

// Whatever comes from outside is put into text nodes. What would not be seen in it,
// or turn it round, is written out.
const visible = text => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, c => "\\u{" + c.codePointAt(0).toString(16) + "}");

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text; // what is selected stays so
}

function make(parent, name, className) {
  const node = document.createElement(name);
  if (className) node.className = className;
  return parent.appendChild(node);
}

const digits = n => n.toLocaleString("en", { maximumFractionDigits: n < 10 ? 1 : 0 });

function size(bytes) {
  let unit = 0;
  for (; bytes >= 1000 && unit < 4; unit++) bytes /= 1024;
  return digits(bytes) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][unit];
}

function age(seconds) {
  const d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24, m = Math.floor(seconds / 60) % 60;
  if (d) return d + "d " + h + "h";
  if (h) return h + "h " + m + "m";
  if (m) return m + "m " + Math.floor(seconds % 60) + "s";
  return Math.floor(seconds) + "s";
}

// time has the date, too, unless that is today's.
function time(text) {
  const at = new Date(text), clock = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? clock : at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" }) + " " + clock;
}

// short keeps one long text from filling the page.
const short = text => text.length > 200 ? text.slice(0, 200) + "…" : text;

// A card has up to two figures and a chart of both.
const cards = [
  { title: "Open tunnels", format: digits, figures: [["open", p => p.open], ["in a drain", p => p.draining]] },
  { title: "Handshakes / s", format: digits, figures: [["opened", p => p.opened], ["refused", p => p.refused]] },
  { title: "Messages / s", format: digits, figures: [["to origins", p => p.to_origin.messages], ["to clients", p => p.to_client.messages]] },
  { title: "Bytes / s", format: size, figures: [["to origins", p => p.to_origin.bytes], ["to clients", p => p.to_client.bytes]] },
];

function makeCard(card) {
  const box = make(element("cards"), "div");
  make(box, "h2").textContent = card.title;
  card.values = card.figures.map(([label], i) => {
    const line = make(box, "div", "figure");
    make(line, "span", i ? "two" : "one").textContent = label;
    return make(line, "b");
  });
  const draw = (parent, name) => parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", name));
  card.svg = draw(box, "svg");
  card.svg.setAttribute("viewBox", "0 0 300 100");
  card.svg.setAttribute("preserveAspectRatio", "none");
  card.svg.setAttribute("role", "img");
  card.area = draw(card.svg, "polygon");
  card.lines = ["first", "second"].map(name => {
    const line = draw(card.svg, "polyline");
    line.setAttribute("class", name);
    return line;
  });
  const axis = make(box, "div", "axis sub");
  make(axis, "span").textContent = minutes + " min";
  card.top = make(axis, "span");
}

function showCard(card, points) {
  const now = points[points.length - 1], end = Date.parse(now.at);
  const top = Math.max(0, ...points.flatMap(p => card.figures.map(([, value]) => value(p))));
  card.figures.forEach(([, value], i) => {
    setText(card.values[i], card.format(value(now)));
    const places = points.map(p => {
      const x = 300 - (end - Date.parse(p.at)) / (minutes * 60000) * 300;
      return x.toFixed(1) + "," + (98 - (top ? value(p) / top : 0) * 94).toFixed(1);
    });
    card.lines[i].setAttribute("points", places.join(" "));
    if (i === 0) card.area.setAttribute("points", [places[0].split(",")[0] + ",100", ...places, "300,100"].join(" "));
  });
  setText(card.top, "max " + card.format(top));
  card.svg.setAttribute("aria-label", card.title + " in the last " + minutes + " minutes, at most " + card.format(top));
}

// fill makes a table of rows. A cell is a text, or has a text, a lesser one (sub), and
// how it looks (look).
function fill(table, columns, rows) {
  if (!table.tHead) {
    const head = make(make(table, "thead"), "tr");
    for (const [label, look] of columns) {
      const th = make(head, "th", look);
      th.scope = "col";
      th.textContent = label;
    }
    make(table, "tbody");
  }
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((row, r) => {
    const tr = body.rows[r] || make(body, "tr");
    row.forEach((cell, c) => {
      if (typeof cell === "string") cell = { text: cell };
      let td = tr.cells[c];
      if (!td) {
        td = make(tr, "td", columns[c][1]);
        td.dataset.label = columns[c][0];
        make(td, "span", "main");
        make(td, "span", "sub");
      }
      setText(td.firstChild, short(visible(cell.text)));
      td.firstChild.className = "main " + (cell.look || "");
      setText(td.lastChild, short(visible(cell.sub || "")));
    });
  });
}

const number = "number";

function showTables(view) {
  const o = view.origins, open = view.now.open;
  setText(element("origins-note"), digits(o.total) + (o.down ? ", " + digits(o.down) + " down" : "") + (o.total > o.shown.length ? ", " + o.shown.length + " shown" : ""));
  const way = (rates, total) => ({ text: size(rates.bytes) + "/s, " + digits(rates.messages) + " msg/s", sub: size(total.bytes) + ", " + digits(total.messages) + " msg" });
  fill(element("origins"), [["Origin"], ["State"], ["Tunnels", number], ["Opened", number], ["To origin", number], ["To client", number]], o.shown.map(s => [
    { text: s.origin, sub: s.name },
    s.up ? { text: "up", look: "good" } : { text: "DOWN", look: "bad" },
    digits(s.tunnels),
    { text: digits(s.per_second.opened) + "/s", sub: digits(s.opened) },
    way(s.per_second.to_origin, s.to_origin), way(s.per_second.to_client, s.to_client),
  ]));

  setText(element("tunnels-note"), open > view.tunnels.length ? "the busiest " + view.tunnels.length + " of " + digits(open) : digits(open) + ", the busiest first");
  fill(element("tunnels"), [["Client"], ["Host and path"], ["Origin"], ["Age", number], ["To origin", number], ["To client", number]], view.tunnels.map(t => [
    { text: t.client_ip, sub: t.proto },
    { text: t.path, sub: t.host },
    { text: t.origin, sub: t.name },
    t.state === "open" ? age(t.age) : { text: age(t.age), sub: t.state },
    way(t.per_second.to_origin, t.to_origin), way(t.per_second.to_client, t.to_client),
  ]));

  for (const name of ["refused", "ended"]) {
    setText(element(name + "-note"), digits(view.totals[name]) + " since Caddy began");
    fill(element(name), [["Reason"], ["Handler"], ["Times", number]], view[name].map(r => [r.reason, r.name, digits(r.total)]));
  }

  const switches = view.switches || [];
  element("switches").parentNode.hidden = !switches.length;
  fill(element("switches"), [["Switch"], ["State"], ["Set by"], ["Until"]], switches.map(s =>
    [s.name, s.on ? { text: "on", look: "good" } : { text: "OFF", look: "bad" }, s.by ? { text: s.by, sub: s.at ? time(s.at) : "" } : "", s.until ? time(s.until) : ""]));
}

let points = [], seen = 0;

function show(view) {
  points = view.history || [...points, view.now];
  points = points.filter(p => Date.parse(view.now.at) - Date.parse(p.at) <= minutes * 60000);
  for (const card of cards) showCard(card, points);
  showTables(view);
  setText(element("since"), "up " + age((Date.parse(view.now.at) - Date.parse(view.since)) / 1000));
  document.title = digits(view.now.open) + " – WebSocket tunnels";
  seen = Date.now();
  state("live", "good");
}

function state(text, look) {
  setText(element("state"), text);
  element("state").className = look;
}

// While the page is not to be seen it does not look, so that nothing is counted for
// nobody.
let source;

function connect() {
  if (source) source.close();
  source = null;
  if (document.hidden) return;
  source = new EventSource("?events");
  source.onmessage = event => show(JSON.parse(event.data));
  source.onerror = event => {
    state("not connected", "bad");
    if (event.target.readyState === EventSource.CLOSED) setTimeout(connect, 3000); // it was refused, and gives up
  };
}

setInterval(() => {
  if (source && seen && Date.now() - seen > 10000) state("no news since " + time(seen), "bad");
}, 1000);
element("host").textContent = location.host;
cards.forEach(makeCard);
document.addEventListener("visibilitychange", connect);
connect();
