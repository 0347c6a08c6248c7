"""What crosses between the processes: frames on a socket, values on the wire, the state of modules."""
