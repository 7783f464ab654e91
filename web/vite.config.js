// Names without hashes: the files are embedded in the binary, and served with its version.
export default {
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    modulePreload: false,
    assetsInlineLimit: 0, // the page's policy allows no inline content
    rollupOptions: {
      output: { entryFileNames: 'page.js', chunkFileNames: '[name].js', assetFileNames: 'page[extname]' },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
}
