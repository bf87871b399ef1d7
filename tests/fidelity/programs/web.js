// serve|cluster HOST PORT FILE: serves the file, in one process or several. fetch SOURCE URL...: says what came, or why not.
const cluster = require('node:cluster')
const fs = require('node:fs')
const http = require('node:http')

function serve(host, port, path) {
  const data = fs.readFileSync(path)
  const server = http.createServer((request, answer) => answer.end(data))
  server.on('error', (error) => {
    console.log(`${error.syscall} ${error.code} ${error.address}`)
    process.exit(1)
  })
  server.listen(Number(port), host)
}

function fetch(localAddress, url) {
  return new Promise((resolve) => {
    const request = http.get(url, { localAddress, agent: false }, (answer) => {
      let count = 0
      answer.on('data', (octets) => { count += octets.length })
      answer.on('end', () => resolve(String(count)))
    })
    request.on('error', (error) => resolve(`${error.syscall} ${error.code} ${error.address}`))
  })
}

const [what, ...words] = process.argv.slice(2)
if (what === 'fetch') {
  Promise.all(words.slice(1).map((url) => fetch(words[0], url))).then((lines) => console.log(lines.join('\n')))
} else if (what === 'cluster' && cluster.isPrimary) {
  for (let at = 0; at < 2; at++) cluster.fork()
} else {
  serve(...words)
}
