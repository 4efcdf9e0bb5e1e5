import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    setupFiles: ["tests/unit/fake-chrome.ts"],
    include: ["tests/unit/**/*.test.ts"],
    environment: "node",
  },
});
