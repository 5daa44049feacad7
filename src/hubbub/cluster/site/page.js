// Asks how the cluster is, once a second while somebody looks, and shows it.

const EVERY_MS = 1000;
const PAST = 60; // looks back: a minute
const TRANSPORTS = ["websocket", "sse", "ndjson"];
const LATE_MS = 100; // from here on people notice

const WORDS = {
  ready: () => "ready",
  refusing: (why) => REASONS[why] ?? `refuses: ${why}`,
  silent: () => "does not answer",
  away: () => "away",
};
const REASONS = {
  "shutting-down": "takes its leave",
  "storage-away": "without database",
  "storage-failed": "its store broke",
};

const past = new Map(); // by node: its deliveries a second, the oldest first
const since = new Map(); // by node: since when it has been in its condition
const $ = (id) => document.getElementById(id);

function count(number) {
  return number.toLocaleString("en");
}

function rate(number) {
  if (number === null) return "–";
  if (number > 0 && number < 9.95) return number.toFixed(1);
  return count(Math.round(number));
}

function span(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** Changes only what differs, so that selections and screen readers are left in peace. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** As many children of `list` as there are items, each made from the template and then filled. */
function fill(list, template, items, show) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append(template.content.cloneNode(true));
  items.forEach((item, index) => show(list.children[index], item));
}

function showTotals(nodes) {
  const figures = nodes.map((node) => node.figures).filter(Boolean);
  const sum = (of) => figures.reduce((total, each) => total + (of(each) ?? 0), 0);
  const ready = nodes.filter((node) => node.condition === "ready").length;
  const of = document.createElement("span");
  of.className = "of";
  of.textContent = ` of ${nodes.length}`;
  $("total-ready").replaceChildren(String(ready), of);
  say($("total-readers"), count(sum((each) => readers(each))));
  const rates = figures.some((each) => each.posts_per_second !== null);
  say($("total-posts"), rates ? rate(sum((each) => each.posts_per_second)) : "–");
  say($("total-deliveries"), rates ? rate(sum((each) => each.deliveries_per_second)) : "–");
  document.title = `${ready} of ${nodes.length} ready · hubbub cluster`;
}

function readers(figures) {
  return Object.values(figures.connections).reduce((total, each) => total + each, 0);
}

function showNode(item, node) {
  const find = (name) => item.querySelector(`.${name}`);
  const figures = node.figures;
  item.className = `node ${node.condition}`;
  say(find("name"), node.name);
  say(find("word"), WORDS[node.condition](node.why) + lasting(node));
  say(find("url"), node.url);
  find("url").href = node.url;
  say(find("pid"), node.pid === null ? "" : `process ${node.pid}`);
  const total = figures ? readers(figures) : 0;
  say(find("count"), figures ? count(total) : "–");
  say(find("unit"), total === 1 ? "reader" : "readers");
  for (const transport of TRANSPORTS) {
    const number = figures?.connections[transport] ?? 0;
    const share = item.querySelector(`.bar .${transport}`);
    share.style.flexGrow = number;
    share.hidden = number === 0;
    say(item.querySelector(`.transports .${transport} .n`), figures ? count(number) : "–");
  }
  say(find("posts"), rate(figures?.posts_per_second ?? null));
  say(find("deliveries"), rate(figures?.deliveries_per_second ?? null));
  draw(find("past"), remember(node));
  const late = figures?.lag_ms ?? null;
  state(find("of-behind"), figures ? count(figures.behind) : "–", { slow: figures?.behind > 0 });
  state(find("of-lag"), late === null ? "–" : `${late} ms at most`, { slow: late >= LATE_MS });
  state(find("of-database"), upOrAway(figures?.database_up), { bad: figures?.database_up === false });
  state(find("of-bus"), upOrAway(figures?.bus_up), { bad: figures?.bus_up === false });
}

function state(item, text, { bad = false, slow = false }) {
  say(item.querySelector("dd"), text);
  item.classList.toggle("bad", bad);
  item.classList.toggle("slow", slow);
}

function upOrAway(up) {
  if (up === undefined || up === null) return "–";
  return up ? "there" : "away";
}

/** For how long it has not been ready. */
function lasting(node) {
  const condition = `${node.condition} ${node.why}`;
  const known = since.get(node.name);
  if (known?.condition !== condition) {
    since.set(node.name, { condition, at: Date.now() });
    return "";
  }
  return node.condition === "ready" ? "" : `, ${span(Date.now() - known.at)}`;
}

function remember(node) {
  const points = past.get(node.name) ?? [];
  points.push(node.figures?.deliveries_per_second ?? 0);
  if (points.length > PAST) points.shift();
  past.set(node.name, points);
  return points;
}

/** The last minute's deliveries, the newest at the right, as high as the busiest node was. */
function draw(svg, points) {
  const most = Math.max(1, ...[...past.values()].flat());
  const place = (value, index) => `${PAST - points.length + index + 1},${(24 - (22 * value) / most).toFixed(2)}`;
  const line = points.map(place).join(" L");
  svg.querySelector(".line").setAttribute("d", points.length > 1 ? `M${line}` : "");
  svg.querySelector(".area").setAttribute("d", points.length > 1 ? `M${PAST - points.length + 1},24 L${line} L${PAST},24 Z` : "");
}

function showPart(item, part) {
  item.className = `part ${part.runs ? "runs" : "away"}`;
  say(item.querySelector(".name"), part.name);
  say(item.querySelector(".address"), part.address);
  say(item.querySelector(".word"), part.runs ? "runs" : "away");
}

function show(seen) {
  const where = $("where");
  if (!where.firstElementChild) where.append("people reach it at ", document.createElement("a"));
  say(where.lastElementChild, seen.url);
  where.lastElementChild.href = seen.url;
  showTotals(seen.nodes);
  fill($("nodes"), $("node"), seen.nodes, showNode);
  fill($("parts"), $("part"), seen.parts, showPart);
}

function complain(text) {
  say($("notice"), text);
  $("notice").hidden = text === "";
  document.querySelector("main").querySelectorAll("section, dl.totals").forEach((each) => each.classList.toggle("out-of-date", text !== ""));
}

async function look() {
  try {
    const answer = await fetch("cluster.json", { signal: AbortSignal.timeout(5000) });
    show(await answer.json());
    complain("");
  } catch {
    complain("Nobody answers here any more: the cluster was stopped. What you see is how it was last.");
  }
}

async function watch() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resume) => setTimeout(resume, EVERY_MS));
  }
}

watch();
