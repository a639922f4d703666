// Draws the figure that a chart is given as soon as plotly.js is there, and again in the width that it is shown in.
const plot = element.querySelector(".mma-plot");

const MISSING = "plotly.js was not loaded";
const library = new Promise((resolve, reject) => {
  const script = document.getElementById("mma-plotly");
  if (window.Plotly) return resolve();
  if (!script || "failed" in script.dataset) return reject(MISSING);
  script.addEventListener("load", resolve);
  script.addEventListener("error", () => reject(MISSING));
});

async function draw() {
  try {
    await library;
    if (!props.value) return Plotly.purge(plot);
    const { data, layout } = JSON.parse(props.value);
    plot.style.height = `${layout.height}px`; // else it has none once Plotly fits the chart into it
    await Plotly.react(plot, data, { ...layout, autosize: true });
  } catch (error) {
    plot.textContent = "The chart could not be drawn; load the page again.";
    console.error("chart:", error);
  }
}

watch("value", draw);
if (props.value) draw();
new ResizeObserver(() => {
  if (plot.classList.contains("js-plotly-plot") && plot.offsetWidth) Plotly.Plots.resize(plot);
}).observe(plot);
