#!/usr/bin/env bash
# Bundle plotly.min.js anew, as plotly.js's own bundles are; needs Node.js and the npm registry.
set -euo pipefail
cd "$(dirname "$0")"
version=4.1.1 # of plotly.js: the one that the Python package writes figures for

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp traces.js "$scratch"
npm install --prefix "$scratch" --ignore-scripts --no-audit --no-fund "plotly.js@$version" esbuild@0.28.2
"$scratch/node_modules/.bin/esbuild" "$scratch/traces.js" --bundle --minify --format=iife --global-name=Plotly \
  --define:global=window --define:define.amd=false --target=es2020 --legal-comments=none \
  --banner:js="/* plotly.js v$version (scatter, bar, heatmap, waterfall); Copyright 2012-2026, Plotly, Inc.; MIT License */" \
  --outfile="$scratch/plotly.min.js"
mv "$scratch/plotly.min.js" .
