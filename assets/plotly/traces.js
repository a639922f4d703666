// The kinds of traces that charts/ draws, and no other: all of plotly.js takes a browser four times as long to read.
const Plotly = require("plotly.js/lib/core"); // with scatter
Plotly.register([require("plotly.js/lib/bar"), require("plotly.js/lib/heatmap"), require("plotly.js/lib/waterfall")]);
module.exports = Plotly;
