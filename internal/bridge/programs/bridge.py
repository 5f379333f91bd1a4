import errno, os, signal, socket, struct, sys, threading
stdin, stdout, lock, connections = sys.stdin.buffer, sys.stdout.buffer, threading.Lock(), {}

def send(kind, id, body=b""):
    with lock:
        stdout.write(struct.pack(">cII", kind, id, len(body)) + body)
        stdout.flush()

def cause(e):
    if isinstance(e, socket.gaierror):
        return "EAI_AGAIN" if e.errno == socket.EAI_AGAIN else "ENOTFOUND"
    if isinstance(e, UnicodeError):
        return "ENOTFOUND"
    return errno.errorcode.get(getattr(e, "errno", None), "ETIMEDOUT" if isinstance(e, socket.timeout) else "")

def serve(id, host, port):
    try:
        conn = socket.create_connection((host, int(port)), 60)
    except Exception as e:
        send(b"e", id, ("%s %s" % (cause(e), e)).encode())
        return
    conn.settimeout(None)
    connections[id] = conn
    send(b"o", id)
    try:
        for data in iter(lambda: conn.recv(65536), b""):
            send(b"d", id, data)
    except OSError:
        pass
    send(b"c", id)

signal.signal(signal.SIGALRM, signal.SIG_DFL)
stdout.write(b"minibot\n")
stdout.flush()
while True:
    signal.alarm(60)
    head = stdin.read(9)
    if len(head) < 9:
        os._exit(0)
    kind, id, length = struct.unpack(">cII", head)
    body = stdin.read(length)
    if kind == b"o":
        threading.Thread(target=serve, args=[id] + body.decode().split(" "), daemon=True).start()
    elif id in connections:
        try:
            connections[id].sendall(body) if kind == b"d" else connections[id].shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
