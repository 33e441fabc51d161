# Runs a program on a terminal of its own and answers each prompt: PROGRAM ARG... -- LINE...
# Prints what the terminal shows; exits as the program does, with -SIGNAL as 256-SIGNAL.
import os, pty, select, signal, sys

words = sys.argv[1:]
cut = words.index('--')
command, lines = words[:cut], words[cut + 1:]
signal.alarm(60)
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
shown = b''
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if lines and shown.endswith(b': '):
        line = lines.pop(0)
        os.write(terminal, line.encode() if line.endswith('\x03') else line.encode() + b'\r')
os.write(1, shown)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status))
