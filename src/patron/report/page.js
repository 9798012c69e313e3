// What moves on the page: draws the charts, and lets the customers be sorted, searched and chosen from a chart or table.
"use strict";
{
  const drawn = JSON.parse(document.getElementById("drawn").textContent);
  const font = getComputedStyle(document.body).fontFamily;
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });
  const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const words = { color: "var(--ink)", fontFamily: font, fontSize: 12 };
  const faint = { ...words, color: "var(--muted)" };
  const rule = { lineStyle: { color: "var(--line)" } };
  const tip = { confine: true, backgroundColor: "var(--card)", borderColor: "var(--line)", textStyle: words };
  const LIGHT = [230, 241, 250], DARK = [6, 64, 120];

  const base = (room, decals) => ({
    animation: false,
    textStyle: words,
    aria: { enabled: true, label: { description: room.dataset.alt }, decal: { show: decals } },
  });

  function overTime(spec, room) {
    const bars = spec.series.filter((one) => one.shape === "bar");
    const several = spec.series.length > 1;
    return {
      ...base(room, bars.length > 1),
      legend: { show: several, bottom: 0, textStyle: words, itemWidth: 22, itemGap: 8 },
      grid: { left: 6, right: 14, top: 30, bottom: several ? 52 : 28 },
      tooltip: { ...tip, trigger: "axis", valueFormatter: (value) => (value === null ? "n/a" : exact.format(value)) },
      xAxis: { type: "category", data: spec.x, axisLabel: { ...faint, hideOverlap: true }, axisLine: rule, axisTick: rule },
      yAxis: {
        type: "value",
        name: spec.unit,
        nameTextStyle: { ...faint, align: "left", padding: [0, 0, 0, -20] },
        axisLabel: { ...faint, formatter: (value) => compact.format(value) },
        splitLine: rule,
      },
      series: spec.series.map((one, place) => ({
        name: one.name,
        type: one.shape,
        stack: one.shape === "bar" ? "all" : undefined,
        data: one.values,
        color: `var(--series-${place + 1})`,
        lineStyle: { width: 2.5, type: place ? "dashed" : "solid" },
        symbolSize: 5,
        z: one.shape === "line" ? 3 : 2,
        emphasis: { disabled: true },
      })),
    };
  }

  // black or white, whichever stands out more from a colour (relative luminance of WCAG 2)
  function legible(share) {
    const light = LIGHT.map((from, k) => (from + share * (DARK[k] - from)) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.179 ? "#000" : "#fff";
  }

  function heat(spec, room) {
    const values = spec.cells.map((cell) => cell[2]);
    const low = Math.min(0, ...values), high = Math.max(low + 1e-9, ...values);
    const axis = (data, name) => ({
      type: "category", data, name, axisLabel: faint, nameTextStyle: words, axisLine: rule, axisTick: { show: false },
    });
    return {
      ...base(room, false),
      grid: { left: 6, right: 10, top: 26, bottom: 44 },
      tooltip: {
        ...tip,
        formatter: ({ dataIndex }) => {
          const said = document.createElement("div");
          said.textContent = spec.cells[dataIndex][4];
          said.className = "said";
          return said;
        },
      },
      xAxis: { ...axis(spec.x, spec.axes[0]), nameLocation: "middle", nameGap: 26 },
      yAxis: { ...axis(spec.y, spec.axes[1]), inverse: true, nameLocation: "start", nameTextStyle: { ...words, align: "left", padding: [0, 0, 0, -60] } },
      visualMap: { show: false, min: low, max: high, inRange: { color: [LIGHT, DARK].map((rgb) => `rgb(${rgb})`) } },
      series: [{
        type: "heatmap",
        data: spec.cells.map(([x, y, value]) => ({
          value: [x, y, value],
          label: { color: legible((value - low) / (high - low)) },
        })),
        label: { show: true, fontFamily: font, fontSize: 11, formatter: ({ dataIndex }) => spec.cells[dataIndex][3] },
        itemStyle: { borderColor: "var(--card)", borderWidth: 1 },
        emphasis: { disabled: true },
        cursor: spec.cells.some((cell) => cell[5]) ? "pointer" : "default",
      }],
    };
  }

  // all rooms are laid out and measured before the first chart is drawn: the browser lays the page out once
  function draw(specs) {
    const rooms = specs.map((spec) => {
      const room = document.getElementById(spec.name);
      room.classList.add("live");
      if (spec.cells) {
        room.style.height = `${spec.y.length * 26 + 70}px`;
        room.style.minWidth = `${spec.x.length * 40 + 100}px`;
      }
      return room;
    });
    const sizes = rooms.map((room) => ({ width: room.clientWidth, height: room.clientHeight }));
    specs.forEach((spec, place) => drawOne(spec, rooms[place], sizes[place]));
  }

  function drawOne(spec, room, { width, height }) {
    const chart = echarts.init(room, null, { renderer: "svg", width, height });
    chart.setOption(spec.cells ? heat(spec, room) : overTime(spec, room));
    chart.on("click", ({ dataIndex }) => spec.cells?.[dataIndex][5] && pick(spec.cells[dataIndex][5]));
    const scale = () => room.querySelector("svg").setAttribute("viewBox", `0 0 ${width} ${height}`); // print scales it
    scale();
    new ResizeObserver(() => {
      if (room.clientWidth === width) return;
      width = room.clientWidth;
      chart.resize({ width, height });
      scale();
    }).observe(room);
  }

  const chosen = {};
  const filters = document.getElementById("filters");
  const table = customers();

  function customers() {
    const place = document.getElementById("acting");
    const frame = place.closest(".scroll");
    const made = new DataTable(place, {
      autoWidth: false,
      order: [[1, "desc"]],
      pageLength: 25,
      lengthMenu: [10, 25, 100, { label: "all", value: -1 }],
      layout: { topStart: "info", topEnd: "search", bottomStart: "pageLength", bottomEnd: { paging: { buttons: 5 } } },
      columns: [...place.tHead.rows[0].cells].map((head) => ({
        orderSequence: head.classList.contains("text") ? ["asc", "desc"] : ["desc", "asc"],
      })),
      language: {
        search: "Search",
        lengthMenu: "_MENU_ a page",
        entries: { _: "customers", 1: "customer" },
        info: "_START_ to _END_ of _TOTAL_ _ENTRIES-TOTAL_",
        infoEmpty: "0 customers",
        infoFiltered: "chosen from _MAX_ listed",
        zeroRecords: "Nobody listed fits.",
        aria: { orderable: ": sort by it", orderableReverse: ": sort the other way", orderableRemove: ": sort the other way" },
      },
    });
    // only the rows scroll sideways, not what stands around them
    const rows = frame.querySelector(".dt-layout-table");
    for (const name of ["role", "aria-labelledby", "tabindex"]) rows.setAttribute(name, frame.getAttribute(name));
    rows.classList.add("scroll");
    frame.replaceWith(...frame.childNodes);
    made.search.fixed("chosen", (_text, _data, place) =>
      Object.entries(chosen).every(([kind, value]) => made.row(place).node().dataset[kind] === value));
    return made;
  }

  function show() {
    for (const select of filters.querySelectorAll("select")) select.value = chosen[select.dataset.filter] ?? "";
    const cell = drawn.flatMap((spec) => spec.cells ?? []).find((one) => one[5] === `cell:${chosen.cell}`);
    document.getElementById("picked").textContent = cell ? `${cell[4]}.` : "";
    table.draw();
  }

  // choose the customers of one cell, band or segment, 'kind:value', and go to them
  function pick(what) {
    const [kind, ...value] = what.split(":");
    clear();
    chosen[kind] = value.join(":");
    show();
    const title = document.getElementById("customers");
    title.tabIndex = -1;
    title.focus();
  }

  function clear() {
    for (const kind of Object.keys(chosen)) delete chosen[kind];
    table.search("");
  }

  for (const select of filters.querySelectorAll("select")) {
    select.addEventListener("change", () => {
      if (select.value) chosen[select.dataset.filter] = select.value;
      else delete chosen[select.dataset.filter];
      show();
    });
  }
  document.getElementById("clear").addEventListener("click", () => {
    clear();
    show();
  });
  for (const place of document.querySelectorAll("[data-pick]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pick";
    button.textContent = place.textContent;
    button.title = "List these customers";
    button.addEventListener("click", () => pick(place.dataset.pick));
    place.replaceChildren(button);
  }
  filters.hidden = false;
  draw(drawn);
}
