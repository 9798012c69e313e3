#!/usr/bin/env bash
# Fetches the two libraries at the versions named here and writes echarts.min.js and datatables.min.js beside itself.
# Needs Node.js. Afterwards put the printed digests into README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/echarts.entry.js" "$work/entry.js"
cd "$work"
npm install --silent --no-save --ignore-scripts echarts@6.1.0 datatables.net@3.1.5 esbuild@0.28.2
npx esbuild entry.js --bundle --minify --format=iife --global-name=echarts --target=es2020 \
  --legal-comments=none --log-level=warning --outfile=echarts.min.js --banner:js="/*!
Apache ECharts 6.1.0. Copyright 2017-2026 The Apache Software Foundation. Apache License 2.0.
This product includes software developed at The Apache Software Foundation. A build of the charts that the page draws.
With ZRender 6.1.0, copyright (c) 2017, Baidu Inc., BSD 3-Clause; and tslib 2.3.0, copyright (c) Microsoft Corporation, 0BSD.
*/"
cp echarts.min.js "$here/echarts.min.js"
cp node_modules/datatables.net/js/dataTables.min.js "$here/datatables.min.js"
cp node_modules/echarts/LICENSE "$here/LICENSE.echarts"
cp node_modules/echarts/NOTICE "$here/NOTICE.echarts"
cp node_modules/zrender/LICENSE "$here/LICENSE.zrender"
cp node_modules/echarts/licenses/LICENSE-d3 "$here/LICENSE.d3"
cp node_modules/datatables.net/License.txt "$here/LICENSE.datatables"
cd "$here"
sha256sum -- *.min.js
