"""What the grader says to the warm process: three bytes, and with them the socket on which the rest comes."""

#: Fork a run, which talks to the grader on that socket.
RUN = b"run"
#: Parse the course's own cells, so that no run has to; their texts come on that socket, as a list in msgpack.
CELLS = b"our"
#: The length of a message.
LENGTH = 3
