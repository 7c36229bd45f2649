'use strict';

// A small lint without dependencies: every file parses, is strict, and holds no tab, trailing space or leftover debugger.
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const RULES = [
  [/\t/, 'a tab'],
  [/[ \t]$/m, 'a trailing space'],
  [/^\s*debugger\b/m, 'a leftover debugger'],
  [/\bvar\s/, 'var in place of const or let'],
];

function check(file) {
  const text = fs.readFileSync(file, 'utf8');
  const found = RULES.filter(([pattern]) => pattern.test(text)).map(([, what]) => what);
  if (!text.startsWith("'use strict';")) found.push("no 'use strict'");
  const parsed = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  if (parsed.status !== 0) found.push(parsed.stderr.trim().split('\n').pop());
  return found.map((what) => `${path.relative(process.cwd(), file)}: ${what}`);
}

const files = process.argv.slice(2).flatMap((directory) =>
  fs.readdirSync(directory).filter((name) => name.endsWith('.js')).map((name) => path.join(directory, name)),
);
const problems = files.flatMap(check);
problems.forEach((problem) => console.error(problem));
process.exit(problems.length ? 1 : 0);
