#!/usr/bin/env bash
# Bundle plotly.min.js anew, as plotly.js's own bundles are, with the licences of all that is in it; needs Node.js and the
# npm registry. What plotly.js depends on is what the registry then has.
set -euo pipefail
cd "$(dirname "$0")"
version=4.1.1 # of plotly.js: the one that the Python package writes figures for

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp traces.js "$scratch"
npm install --prefix "$scratch" --ignore-scripts --no-audit --no-fund "plotly.js@$version" esbuild@0.28.2
(
  cd "$scratch"
  node_modules/.bin/esbuild traces.js --bundle --minify --format=iife --global-name=Plotly \
    --define:global=window --define:define.amd=false --target=es2020 --legal-comments=none \
    --banner:js="/* plotly.js v$version with the traces of traces.js; licences in LICENSES.txt */" \
    --metafile=meta.json --outfile=plotly.min.js
  node -e '
    const { readFileSync, readdirSync } = require("fs");
    const files = Object.keys(JSON.parse(readFileSync("meta.json")).inputs);
    const folders = files.map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean);
    for (const folder of [...new Set(folders)].sort()) {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`));
      const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
      console.log(`${name} ${version}: ${license}\n`);
      if (text) console.log(`${readFileSync(`${folder}/${text}`, "utf8").trim()}\n`);
    }' > LICENSES.txt
)
mv "$scratch/plotly.min.js" "$scratch/LICENSES.txt" .
