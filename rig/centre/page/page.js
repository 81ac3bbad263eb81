// The centre's page: asks the centre every 2 s and draws the answer. Nothing from the network is ever parsed as HTML.
const REFRESH_MS = 2000;
const ROWS = 60;

const element = (id) => document.getElementById(id);

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

const digits = (value, count) =>
  value.toLocaleString("en", {
    minimumFractionDigits: count,
    maximumFractionDigits: count,
    useGrouping: false,
    signDisplay: "negative", // no "-0.0"
  });

function time(iso) {
  const date = new Date(iso);
  const day = date.toDateString() === new Date().toDateString() ? "" : `${date.toLocaleDateString("en-CA")} `;
  return make("time", "", day + date.toLocaleTimeString("en-GB"));
}

function age(iso) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

function marks(report) {
  const texts = report.flags.map((flag) => flag.replaceAll("-", " "));
  if (report.delayed) texts.unshift("delayed");
  if (report.via !== null) texts.unshift(`via ${report.via}`);
  return make("div", "marks", ...texts.map((text) => make("span", "mark", text)));
}

function card({ meter, latest }, reportEveryMs) {
  const title = make("h2", "", meter);
  if (latest === null)
    return make("article", "", make("div", "", title, make("span", "age", "no report yet")));
  const silent = Date.now() - Date.parse(latest.measuredAt) > Math.max(3 * reportEveryMs, 30_000);
  const values = [
    ["Current", `${digits(latest.currentA, 3)} A`],
    [latest.voltageSource === "nominal" ? "Voltage, nominal" : "Voltage", `${digits(latest.voltageV, 1)} V`],
    ["Power factor", digits(latest.powerFactor, 3)],
    ["Apparent", `${digits(latest.apparentPowerVa, 1)} VA`],
    ["Reactive", `${digits(latest.reactivePowerVar, 1)} var`],
    ["Frequency", `${digits(latest.frequencyHz, 2)} Hz`],
    ["Energy", `${digits(latest.energyWh / 1000, 3)} kWh`],
    ["Max. demand", `${digits(latest.maxDemandW, 1)} W`],
    ["Report", `no. ${latest.sequence}`],
  ];
  const list = make("dl", "");
  for (const [name, value] of values)
    list.append(make("div", "", make("dt", "", name), make("dd", "", value)));
  return make(
    "article",
    silent ? "silent" : "",
    make("div", "", title, make("span", "age", age(latest.measuredAt))),
    make("p", "power", digits(latest.activePowerW, 1), make("small", "", " W")),
    list,
    marks(latest),
  );
}

function row(report) {
  const number = (value, count) => make("td", "number", digits(value, count));
  return make(
    "tr",
    "",
    make("td", "", report.meter),
    number(report.sequence, 0),
    make("td", "", time(report.measuredAt)),
    number(report.currentA, 3),
    number(report.voltageV, 1),
    number(report.activePowerW, 1),
    number(report.powerFactor, 3),
    number(report.frequencyHz, 2),
    number(report.energyWh, 3),
    make("td", "", marks(report)),
  );
}

async function ask(url) {
  const answer = await fetch(url);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

async function refresh() {
  const state = element("state");
  try {
    const [{ site, reportEveryMs, meters }, { reports }] = await Promise.all([
      ask("/api/meters"),
      ask(`/api/reports?limit=${ROWS}`),
    ]);
    element("site").textContent = site;
    document.title = `${site} - meter-rig`;
    element("meters").replaceChildren(...meters.map((meter) => card(meter, reportEveryMs)));
    element("reports").replaceChildren(...reports.map(row));
    element("none").hidden = reports.length > 0;
    state.className = "";
    state.textContent = `as of ${new Date().toLocaleTimeString("en-GB")}`;
  } catch (error) {
    state.className = "bad";
    state.textContent = `the centre does not answer: ${error.message}`;
  }
  setTimeout(refresh, REFRESH_MS);
}

refresh();
