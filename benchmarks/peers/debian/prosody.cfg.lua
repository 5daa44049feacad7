-- Prosody as far as a load test needs it: anonymous people, rooms that anybody opens, nothing kept.

daemonize = false
run_as_root = true -- in a container there is nobody else; it listens on the loopback only
data_path = "$directory"
pidfile = "$directory/prosody.pid"
log = { warn = "*console" }
network_backend = "epoll"
network_settings = { tcp_backlog = 4096 }

interfaces = { "127.0.0.1" }
c2s_ports = { $port }
s2s_ports = {}
modules_enabled = { "saslauth" }
modules_disabled = { "s2s", "tls", "limits" }
c2s_require_encryption = false

VirtualHost "localhost"
    authentication = "anonymous"

Component "rooms.localhost" "muc"
    muc_room_locking = false
    max_history_messages = 0
