// Builds the page into a folder: `page.html`, and `static/` with everything else under names that have a
// digest in them, each also compressed; and the licences of what is built in.

import { readFileSync, readdirSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig } from "vite";

const HERE = import.meta.dirname;
const THEME = "static/theme-[hash].js";

/** The script that has to run before anything is painted: no module, because those wait. */
function theme() {
  let reference;
  return {
    name: "theme",
    buildStart() {
      const source = readFileSync(join(HERE, "src/theme.js"), "utf8").replaceAll(/^\s*\/\/.*\n|^\s+/gm, "");
      reference = this.emitFile({ type: "asset", name: "theme.js", source });
    },
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const name = Object.keys(bundle).find((file) => file.startsWith(THEME.split("[")[0]));
        return html.replace("<head>", `<head>\n<script src="./${name}"></script>`);
      },
    },
    generateBundle() { this.getFileName(reference); },
  };
}

/** The packages whose code is in the bundle, with their licences. */
function licences() {
  return {
    name: "licences",
    generateBundle(_, bundle) {
      const ids = Object.values(bundle).flatMap((file) => file.moduleIds ?? []);
      const names = ids.map((id) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]).filter(Boolean);
      const source = [...new Set(names)].sort().map(licence).join("\n");
      this.emitFile({ type: "asset", fileName: "static/THIRD-PARTY.txt", source: `${HEAD}\n${source}` });
    },
  };
}

const HEAD = `The page's scripts contain code of these packages, each under its own licence.
The charts are made by TradingView Lightweight Charts(TM), Copyright (c) TradingView, Inc. https://www.tradingview.com/
`;

function licence(name) {
  const folder = join(HERE, "node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const author = typeof about.author === "string" ? about.author : (about.author?.name ?? "its authors");
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : `By ${author}. Licence: ${about.license}.`;
  return `${"=".repeat(78)}\n${name} ${about.version} (${about.license})\n\n${text}\n`;
}

/** Every file of `static/` once more, compressed as well as it goes. */
function compressed() {
  return {
    name: "compressed",
    writeBundle({ dir }) {
      const folder = join(dir, "static");
      for (const name of readdirSync(folder)) {
        const body = readFileSync(join(folder, name));
        writeFileSync(join(folder, `${name}.gz`), gzipSync(body, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(body, { params }));
      }
      if (!existsSync(join(dir, "page.html"))) throw new Error("no page was built");
    },
  };
}

export default defineConfig({
  root: HERE,
  base: "./",
  publicDir: false,
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [theme(), licences(), compressed()],
  build: {
    target: ["chrome123", "safari17.5", "firefox121"],
    modulePreload: false,
    assetsInlineLimit: 0,
    emptyOutDir: true,
    rolldownOptions: {
      input: join(HERE, "page.html"),
      output: {
        entryFileNames: "static/[name]-[hash].js",
        chunkFileNames: "static/[name]-[hash].js",
        assetFileNames: "static/[name]-[hash][extname]",
      },
    },
  },
});
