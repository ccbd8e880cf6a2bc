// Loaded before a counterpart's own code (node --require): whatever it wants to listen on, it gets a free port of the
// loopback interface and says which. It ends with the process that started it.
'use strict';

const { Server } = require('node:net');
const { isMainThread } = require('node:worker_threads');

const listen = Server.prototype.listen;
Server.prototype.listen = function onLoopback(...wanted) {
  const then = wanted.find((each) => typeof each === 'function');
  this.once('listening', () => console.log(`listening on http://127.0.0.1:${this.address().port}`));
  return listen.call(this, { host: '127.0.0.1', port: 0 }, then);
};

// Loaders run in threads of their own, which wait for ever for an input that is the main thread's.
if (isMainThread) process.stdin.on('end', () => process.exit(0)).resume();
