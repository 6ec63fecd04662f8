import { readdirSync } from "node:fs";
import { join } from "node:path";
import js from "@eslint/js";
// @ts-expect-error: it comes without types.
import pulumi from "@pulumi/eslint-plugin";
import prettier from "eslint-config-prettier";
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

const extensions = [".ts", ".mjs", ".js"];
const above = ["./index.ts", "./scripts", "./bench", "./offline-kit", "./test"];
const cloudFolders = readdirSync(join(import.meta.dirname, "clouds"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/**
 * Imports go one way: scripts, index.ts → clouds, components → src → src/lib → src/bootstrap. The bootstrap is plain
 * Node: it runs before npm packages are installed. Only entry points import the registry; no cloud imports another.
 */
const layers = [
  { target: "./src/bootstrap", from: "./src", except: ["./bootstrap"] },
  { target: "./src/lib", from: "./src", except: ["./lib", "./bootstrap"] },
  { target: "./src", from: ["./clouds", "./components", ...above] },
  { target: "./components", from: "./clouds", except: ["./cloud.ts"] },
  { target: ["./clouds", "./components"], from: above },
  ...cloudFolders.map((name) => ({
    target: `./clouds/${name}`,
    from: "./clouds",
    except: [`./${name}`, "./cloud.ts"],
  })),
];

export default tseslint.config(
  { ignores: ["work/", ".tools/", "node_modules/"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    files: ["**/*.ts", "**/*.mjs"],
    plugins: { "@pulumi": pulumi, "import-x": importX },
    languageOptions: {
      parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    settings: {
      "import-x/extensions": extensions,
      "import-x/parsers": { "@typescript-eslint/parser": extensions },
      "import-x/resolver-next": [createNodeResolver({ extensions })],
    },
    rules: {
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "import-x/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones: layers }],
      "@pulumi/no-output-in-template-literal": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector:
            ":matches(ObjectExpression, ArrayExpression) > SpreadElement > :matches(ObjectExpression, ArrayExpression)",
          message: "Write plain properties and elements: a spread literal says nothing.",
        },
      ],
      // mocha's describe/it return values nobody awaits.
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: ["describe", "it"] }],
    },
  },
  {
    files: ["**/*.js", "**/*.cjs"],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    files: ["**/*.js", "**/*.mjs", "**/*.cjs"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        Buffer: "readonly",
        URL: "readonly",
        fetch: "readonly",
        setTimeout: "readonly",
        clearTimeout: "readonly",
        AbortSignal: "readonly",
        AbortController: "readonly",
        performance: "readonly",
        require: "readonly",
        module: "writable",
      },
    },
  },
  {
    files: ["**/*.mjs"],
    rules: {
      // JSDoc gives a parsed text its type by a comment, which these rules do not see.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  prettier,
);
