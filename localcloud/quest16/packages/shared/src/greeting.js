'use strict';

/** What both the site and the service say. */
function greeting(name) {
  return `Hello, ${name}`;
}

module.exports = { greeting };
