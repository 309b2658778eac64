// Builds the front end: bundles, icon sprite, manifest, pre-compressed copies. Usage: node build.mjs OUT [--watch]
import * as esbuild from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] || join(here, "../trellis_admin/static/dist"));
process.chdir(here);

/** The dark tokens are written once; this gives them the selector of "dark chosen" and of "system says dark". */
const darkTokens = {
  name: "dark-tokens",
  setup(build) {
    build.onResolve({ filter: /^dark-tokens$/ }, () => ({ path: "dark-tokens", namespace: "tokens" }));
    build.onLoad({ filter: /.*/, namespace: "tokens" }, () => {
      const tokens = readFileSync("src/css/tokens-dark.txt", "utf8");
      const css = `[data-theme="dark"] {${tokens}}\n@media (prefers-color-scheme: dark) { [data-theme="auto"] {${tokens}} }`;
      return { contents: css, loader: "css" };
    });
  },
};

const options = {
  entryPoints: { app: "src/app.js", styles: "src/app.css" },
  outdir: out, bundle: true, minify: true, format: "esm", splitting: true, metafile: true, logLevel: "warning", legalComments: "none",
  entryNames: "[name]-[hash]", chunkNames: "[name]-[hash]", assetNames: "[name]-[hash]",
  target: ["chrome109", "firefox115", "safari16"], loader: { ".woff2": "file" }, plugins: [darkTokens],
};

function sprite() {
  const names = readFileSync("src/icons.txt", "utf8").split(/\s+/).filter(Boolean);
  const symbols = names.map((name) => {
    const file = `node_modules/@tabler/icons/icons/outline/${name}.svg`;
    if (!existsSync(file)) throw new Error(`src/icons.txt names the icon "${name}", which @tabler/icons does not have`);
    const body = readFileSync(file, "utf8").replace(/<!--[\s\S]*?-->/g, "").replace(/<svg[\s\S]*?>/, "").replace("</svg>", "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  const attributes = 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
  return { names, svg: `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${symbols.join("")}</svg>` };
}

function compress(file) {
  const data = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(data, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

async function build() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const result = await esbuild.build(options);
  const files = {};
  for (const [path, meta] of Object.entries(result.metafile.outputs))
    if (meta.entryPoint) files[meta.entryPoint.replace("src/", "")] = relative(out, resolve(path));
  const latin = readdirSync(out).find((name) => name.startsWith("inter-latin-wght-normal"));
  if (latin) files["latin.woff2"] = latin;
  const { names, svg } = sprite();
  files["icons.svg"] = `icons-${createHash("sha256").update(svg).digest("hex").slice(0, 8)}.svg`;
  writeFileSync(join(out, files["icons.svg"]), svg);
  for (const name of readdirSync(out)) if (/\.(js|css|svg)$/.test(name)) compress(join(out, name));
  const manifest = join(out, "manifest.json");
  writeFileSync(`${manifest}.new`, JSON.stringify({ files, icons: names }, null, 1));
  renameSync(`${manifest}.new`, manifest); // A running server never reads half a manifest.
  console.log(`${readdirSync(out).length} files in ${relative(here, out)}`);
}

await build();
if (process.argv.includes("--watch")) {
  let timer;
  watch("src", { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => build().catch((error) => console.error(error.message)), 80);
  });
}
