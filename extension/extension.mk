# The Chrome extension: what the Makefile of the repository includes. Needs Node 18 or newer with npm.

NPM_INSTALLED := extension/node_modules/.package-lock.json
HAS_NODE = node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null
NEEDS_NODE = "The extension needs Node 18 or newer with npm: install it (Debian: apt install npm)"

.PHONY: node
node: ## Node with npm, for the extension: by apt where you are root, else says what is missing
	@$(HAS_NODE) || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo $(NEEDS_NODE); exit 1; }; \
		echo "Installing Node and npm"; \
		DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends npm >/dev/null; \
		$(HAS_NODE) || { echo $(NEEDS_NODE)"; there is $$(node --version)"; exit 1; }; }

# Not `npm ci`: it refuses a lock that names no addresses for other platforms' optional packages.
$(NPM_INSTALLED): extension/package.json extension/package-lock.json | node
	cd extension && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: extension
extension: $(NPM_INSTALLED) ## build the Chrome extension: extension/dist/unpacked and a zip
	cd extension && node scripts/build.mjs
	@ls -1 extension/dist/*.zip

.PHONY: check-extension
check-extension: $(NPM_INSTALLED) ## the extension: strict types, lint, unit tests
	cd extension && npm run --silent check && npm test --silent

.PHONY: test-extension
test-extension: check-extension extension browser $(INSTALLED) ## the same, then end-to-end tests in Chromium
	$(BIN)/pytest -n 2 --dist loadfile tests/e2e $(ARGS)
