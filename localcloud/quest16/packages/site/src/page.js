'use strict';

const { greeting } = require('@quest16/shared');

/** The files of the site by name. */
function pages() {
  return {
    'index.html': `<!doctype html>\n<title>Quest 16</title>\n<link rel="stylesheet" href="style.css">\n<p>${greeting('Quest 16')}</p>\n`,
    'style.css': 'p { font: 2rem sans-serif; }\n',
  };
}

module.exports = { pages };
