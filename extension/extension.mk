# The Chrome extension: what the Makefile of the repository includes. Needs Node 20 or newer with npm.

NPM_INSTALLED := extension/node_modules/.package-lock.json

# Not `npm ci`: it refuses a lock that names no addresses for other platforms' optional packages.
$(NPM_INSTALLED): extension/package.json extension/package-lock.json
	@command -v npm >/dev/null || { echo "the extension needs Node 20 or newer with npm (Debian: apt install npm)"; exit 1; }
	cd extension && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: extension
extension: $(NPM_INSTALLED) ## build the Chrome extension: extension/dist/unpacked and a zip
	cd extension && node scripts/build.mjs
	@ls -1 extension/dist/*.zip

.PHONY: test-extension
test-extension: extension $(INSTALLED) ## the extension: strict types, lint, unit tests, end-to-end tests in Chromium
	cd extension && npm run --silent check && npm test --silent
	$(BIN)/pytest tests/e2e $(ARGS)
