/* Asks /api/ every two seconds and shows what it says: as text, never as HTML. */
"use strict";

const POLL_MS = 2000;
const SVG = "http://www.w3.org/2000/svg";
const $ = id => document.getElementById(id);

let sortBy = "rate", latest = [], timer = 0, asked = 0;

/* --- small parts */

function make(tag, text, className) {
	const e = document.createElement(tag);
	if (text !== undefined && text !== null)
		e.textContent = text;
	if (className)
		e.className = className;
	return e;
}

const count = n => n.toLocaleString("en");

function number(n) {
	return n >= 100 ? Math.round(n).toLocaleString("en") : n >= 10 ? n.toFixed(1) : n > 0 ? n.toFixed(2) : "0";
}

const percent = share => share === 0 ? "0 %" : share < 0.001 ? "<0.1 %" : (share * 100).toFixed(share < 0.1 ? 1 : 0) + " %";
const took = ms => ms >= 10000 ? (ms / 1000).toFixed(0) + " s" : ms >= 1000 ? (ms / 1000).toFixed(1) + " s" : ms > 0 ? ms + " ms" : "<1 ms";

function age(time) {
	if (!time)
		return "–";
	const s = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
	return s < 60 ? Math.floor(s) + " s" : s < 3600 ? Math.floor(s / 60) + " min"
		: s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d";
}

const until = time => time ? " until " + time.slice(0, 16).replace("T", " ") + " UTC" : "";

function svg(className, width) {
	const e = document.createElementNS(SVG, "svg");
	e.setAttribute("viewBox", `0 0 ${width} 20`);
	e.setAttribute("preserveAspectRatio", "none");
	e.setAttribute("aria-hidden", "true");
	if (className)
		e.setAttribute("class", className);
	return e;
}

/* Where there was no request, there is no line: that is not a latency of 0. */
function line(values, requests, className) {
	const e = svg(className, values.length - 1), top = Math.max(1, ...values);
	const draw = (d, className) => {
		const p = document.createElementNS(SVG, "path");
		p.setAttribute("d", d);
		p.setAttribute("class", className);
		e.append(p);
	};
	const at = (v, i) => `${i} ${(19 - 18 * v / top).toFixed(2)}`;
	draw(`M0 19H${values.length - 1}`, "base");
	draw(values.map((v, i) => !requests[i] ? "" : requests[i - 1] ? "L" + at(v, i) : `M${at(v, i - 0.5)}L${at(v, i)}`).join(""), "data");
	return e;
}

function bars(all, bad) {
	const e = svg("", all.length), top = Math.max(1, ...all);
	const bar = (i, from, n, className) => {
		const r = document.createElementNS(SVG, "rect");
		r.setAttribute("x", i + 0.12);
		r.setAttribute("width", 0.76);
		r.setAttribute("y", 20 - 20 * (from + n) / top);
		r.setAttribute("height", 20 * n / top);
		if (className)
			r.setAttribute("class", className);
		e.append(r);
	};
	all.forEach((n, i) => {
		if (bad[i])
			bar(i, 0, bad[i], "bad");
		if (n > bad[i])
			bar(i, bad[i], n - bad[i]);
	});
	return e;
}

function cards(into, list) {
	into.replaceChildren(...list.map(([what, value, picture]) => {
		const c = make("div", null, "card");
		c.append(make("span", what, "faint"), make("b", value));
		if (picture)
			c.append(picture);
		return c;
	}));
}

function facts(table, rows) {
	table.tBodies[0].replaceChildren(...rows.map(([what, value, className]) => {
		const tr = document.createElement("tr");
		tr.append(make("td", what), make("td", value, className));
		return tr;
	}));
}

/* --- the tools; rows stay where the focus is */

const rows = new Map();

function newRow(name) {
	const tr = document.createElement("tr");
	const link = make("a", name);
	link.href = "#/tool/" + encodeURIComponent(name);
	const cells = ["", "", "n", "n", "n", "wide", "n wide", "n wide"].map(c => make("td", null, c));
	cells[0].append(link);
	tr.append(...cells);
	rows.set(name, { tr, cells });
	return rows.get(name);
}

function fillRow(tool) {
	const { tr, cells } = rows.get(tool.name) || newRow(tool.name);
	cells[1].replaceChildren(make("span", tool.state, "state " + tool.state));
	cells[2].textContent = number(tool.rate);
	cells[3].textContent = percent(tool.errors);
	cells[3].className = tool.errors > 0.05 ? "n errors" : "n";
	cells[4].textContent = tool.rate > 0 ? took(tool.ms) : "–";
	cells[5].replaceChildren(line(tool.series.ms, tool.series.requests, "row"));
	cells[6].textContent = age(tool.since);
	cells[7].textContent = age(tool.proved);
	return tr;
}

function compare(a, b) {
	const up = sortBy === "name" || sortBy === "state";
	const x = a[sortBy] ?? "", y = b[sortBy] ?? "";
	return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1) || (a.name < b.name ? -1 : 1);
}

function showTools() {
	const body = $("tools").tBodies[0], all = [...latest].sort(compare).map(fillRow);
	const there = [...body.children];
	if (body.contains(document.activeElement) && all.length === there.length)
		return;
	if (all.length !== there.length || all.some((tr, i) => tr !== there[i]))
		body.replaceChildren(...all);
}

/* --- the two views */

function showNode(n) {
	$("node").textContent = n.node;
	$("version").textContent = "dynproxy " + n.version + ", up " + age(n.started);
	$("ready").textContent = n.ready ? "ready" : n.reason;
	$("ready").className = "pill " + (n.ready ? "good" : "down");
	cards($("cards"), [
		["Requests/s", number(n.rate), bars(n.series.requests, n.series.errors)],
		["Errors", percent(n.errors), line(n.series.errors, n.series.requests)],
		["Latency", n.rate > 0 ? took(n.ms) : "–", line(n.series.ms, n.series.requests)],
		["Under way", count(n.under_way)],
		["Routes", count(n.table.routes)],
	]);
	facts($("processes"), n.processes.map(p => [p.name + (p.pid ? " (" + p.pid + ")" : ""),
		p.state + (p.since ? `, ${age(p.since)}` : "") + (p.restarts ? `, restarted ${p.restarts}×` : ""), p.state === "ready" ? "" : "errors"]));
	const redis = n.stores.redis;
	facts($("stores"), [
		["Redis", redis === null ? "not configured" : redis.connected ? "connected, read " + age(redis.synced) + " ago" : "not connected", redis === null || redis.connected ? "" : "down"],
		...(redis ? [["Not yet saved there", count(redis.unsaved)]] : []),
		["SQLite", `${count(n.stores.sqlite.saved)} saved, ${count(n.stores.sqlite.failed)} failed`, n.stores.sqlite.failed ? "down" : ""],
		["Names in the table", count(n.table.names)],
		["Generation", String(n.table.generation)],
		["Checksum", n.table.checksum],
		["Default backend", n.default_backend_reachable === null ? "–" : n.default_backend_reachable ? "answers" : "does not answer", n.default_backend_reachable === false ? "down" : ""],
		["Registration", n.registration === null ? "on" : "off: " + n.registration, n.registration === null ? "" : "errors"],
	]);
	facts($("certificates"), n.certificates.length === 0 ? [["None", ""]]
		: n.certificates.map(c => [c.name, `${c.days} days left`, c.days < 7 ? "down" : c.days < 21 ? "errors" : ""]));
	const policy = [...n.bans.map(b => [b.subject, "banned" + until(b.until)]),
		...n.maintenance.map(m => [m.subject || "the whole site", "in maintenance" + until(m.until)])];
	facts($("bans"), policy.length === 0 ? [["None", ""]] : policy);
}

function showTool(t) {
	document.title = t.name + " – dynproxy";
	$("t-name").textContent = t.name;
	$("t-state").textContent = t.state;
	$("t-state").className = "state " + t.state;
	cards($("t-cards"), t.state === "gone" ? [] : [
		["Requests/s", number(t.rate), bars(t.series.requests, t.series.errors)],
		["Errors", percent(t.errors), line(t.series.errors, t.series.requests)],
		["Latency", t.rate > 0 ? took(t.ms) : "–", line(t.series.ms, t.series.requests)],
		["Under way", count(t.under_way)],
		["Last request", age(t.hit)],
		["Last proof", age(t.proved)],
	]);
	const fill = (table, list, cells) => table.tBodies[0].replaceChildren(...list.map(item => {
		const tr = document.createElement("tr");
		tr.append(...cells(item));
		return tr;
	}));
	const code = (text, className) => { const td = make("td", null, className); td.append(make("code", text || "–")); return td };
	fill($("t-routes"), t.routes, r => [code(r.pattern), code(r.destination), make("td", r.state, r.state === "active" ? "good" : r.state),
		make("td", r.proof + (r.proved ? ", " + age(r.proved) + " ago" : "")), make("td", r.lease ? "lease, " + r.lease : r.origin), make("td", age(r.since))]);
	const errors = t.last_errors || []; // who has no route any more has none of these
	fill($("t-errors"), errors, e => [make("td", age(e.time) + " ago"), make("td", e.status || "none"), code(e.reason === "-" ? "its own" : e.reason),
		code(e.request, "text"), code(e.backend), make("td", took(e.ms), "n")]);
	$("t-errors").hidden = errors.length === 0;
	$("t-fine").hidden = errors.length > 0;
	fill($("t-events"), t.events, e => [make("td", age(e.time) + " ago"), code(e.event), code(e.text, "text")]);
	const reasons = Object.entries(t.reasons || {}).sort((a, b) => b[1] - a[1]);
	$("t-reasons").replaceChildren(...(reasons.length ? reasons.map(([r, n]) => make("span", `${r} ${n}`, "chip")) : [make("span", "Nothing.", "faint")]));
}

/* --- asking */

async function ask(path) {
	const answer = await fetch(path, { cache: "no-store" });
	const what = await answer.json();
	if (!answer.ok && answer.status !== 404)
		throw new Error(what.error || answer.statusText);
	return answer.ok ? what : null;
}

function place() {
	const m = /^#\/tool\/(.+)$/.exec(location.hash);
	return m ? decodeURIComponent(m[1]) : "";
}

async function refresh() {
	const mine = ++asked, name = place();
	clearTimeout(timer);
	try {
		const [node, tools, tool] = await Promise.all([ask("/api/node"),
			name ? null : ask("/api/tools?q=" + encodeURIComponent($("q").value.trim().toLowerCase())
				+ (sortBy === "errors" || sortBy === "ms" ? "&by=" + sortBy : "")),
			name ? ask("/api/tool?name=" + encodeURIComponent(name)) : null]);
		if (mine !== asked)
			return;
		$("trouble").hidden = true;
		document.body.classList.remove("old");
		showNode(node);
		if (tools) {
			latest = tools.tools;
			showTools();
			$("shown").textContent = latest.length < tools.total ? `${latest.length} of ${tools.total}, ${{ errors: "most errors", ms: "slowest" }[sortBy] || "busiest"} first` : count(tools.total);
			$("none").textContent = $("q").value.trim() ? "No tool has such a name." : "No tool has registered a route yet.";
			$("none").hidden = latest.length > 0;
		}
		$("tool").hidden = !tool;
		if (tool)
			showTool(tool);
		if (name && !tool)
			throw new Error(`${name} has no route (any more)`);
	} catch (e) {
		if (mine !== asked)
			return;
		if (e instanceof TypeError || e instanceof SyntaxError) {
			e.message = "The registrar does not answer: what is below is old. Workers that run go on serving.";
			$("ready").textContent = "no answer";
			$("ready").className = "pill down";
			document.body.classList.add("old");
		}
		$("trouble").textContent = e.message;
		$("trouble").hidden = false;
	}
	timer = setTimeout(refresh, POLL_MS);
}

async function explain(event) {
	event.preventDefault();
	const got = await ask("/api/explain?url=" + encodeURIComponent($("url").value)).catch(e => ({ steps: [], error: e.message }));
	$("steps").replaceChildren(...got.steps.map(s => {
		const li = document.createElement("li");
		li.append(make("strong", s.step), make("code", s.result), make("span", s.text));
		return li;
	}));
	$("verdict").textContent = got.error || [got.action, got.status || "", got.reason && got.reason !== "-" ? got.reason : ""].filter(Boolean).join(" ");
}

function navigate() {
	const name = place();
	$("overview").hidden = name !== "";
	$("tool").hidden = true;
	document.title = "dynproxy";
	if (name) {
		ask("/api/node").then(n => { $("url").value = `https://${name}.${n.domain}/` }).catch(() => {});
		$("steps").replaceChildren();
		$("verdict").textContent = "";
		scrollTo(0, 0);
	}
	refresh();
}

addEventListener("hashchange", navigate);
$("explain").addEventListener("submit", explain);
$("search").addEventListener("submit", event => {
	event.preventDefault();
	if (latest.length > 0)
		location.hash = "#/tool/" + encodeURIComponent(latest[0].name);
});
$("q").addEventListener("input", () => {
	if (place())
		location.hash = "#/";
	else
		refresh();
});
for (const b of document.querySelectorAll("#tools th button"))
	b.addEventListener("click", () => {
		sortBy = b.dataset.by;
		document.querySelectorAll("#tools th button").forEach(x => x.classList.toggle("by", x === b));
		showTools();
		refresh();    // all tools have an order, not only those that are here
	});
document.querySelector("[data-by=rate]").classList.add("by");
addEventListener("keydown", event => {
	if (event.key === "/" && document.activeElement.tagName !== "INPUT") {
		event.preventDefault();
		$("q").focus();
	} else if (event.key === "Escape" && place()) {
		location.hash = "#/";
	}
});
navigate();
