const net = require('net'), connections = new Map()
const send = (kind, id, body) => {
  const head = Buffer.alloc(9)
  head.write(kind), head.writeUInt32BE(id, 1), head.writeUInt32BE(body.length, 5)
  process.stdout.write(Buffer.concat([head, body]))
}
const open = (id, host, port) => {
  const socket = net.connect({ host, port: Number(port) })
  let dialing = true
  connections.set(id, socket)
  socket.on('connect', () => { dialing = false; send('o', id, Buffer.alloc(0)) })
  socket.on('data', (data) => send('d', id, data))
  socket.on('error', (e) => { if (dialing) send('e', id, Buffer.from(e.code + ' ' + e.message)); dialing = false })
  socket.on('close', () => { send('c', id, Buffer.alloc(0)); connections.delete(id) })
}
const frame = (kind, id, body) => {
  if (kind === 'o') return open(id, ...body.toString().split(' '))
  const socket = connections.get(id)
  if (socket && kind === 'd') socket.write(body)
  if (socket && kind === 'c') socket.destroy()
}
const idle = setTimeout(() => process.exit(), 60000)
let rest = Buffer.alloc(0)
process.stdin.on('data', (data) => {
  idle.refresh()
  rest = Buffer.concat([rest, data])
  while (rest.length >= 9 && rest.length >= 9 + rest.readUInt32BE(5)) {
    const end = 9 + rest.readUInt32BE(5)
    frame(String.fromCharCode(rest[0]), rest.readUInt32BE(1), rest.subarray(9, end))
    rest = rest.subarray(end)
  }
})
process.stdin.on('end', () => process.exit())
process.stdout.on('error', () => process.exit())
process.stdout.write('minibot\n')
