import { defineConfig } from 'vitest/config';

/** The package as others install it: `npm run test:package`. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    globalSetup: ['test/fixtures/global-setup.ts', 'test/package/global-setup.ts'],
    pool: 'forks',
    testTimeout: 300_000,
    // npm builds, packs and installs some 240 packages.
    hookTimeout: 600_000,
    teardownTimeout: 20_000,
  },
});
