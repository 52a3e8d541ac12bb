#!/usr/bin/env bats
# Servers that are no nodes for locks: replicas, Sentinels, TLS ports. Each is named as what it is.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup() {
  the_setup
  OTHERS=()
  export REDLOCK_TTL=30s REDLOCK_NODE_TIMEOUT=2s
}
teardown() {
  local pid
  for pid in "${OTHERS[@]}"; do kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  the_teardown
}

# start_other WORDS...: a server that is no node, on $port once it is ready.
start_other() {
  env -u REDLOCK_TEST_MARK setpriv --pdeathsig KILL "$SERVER" "$@" >other.log 2>&1 </dev/null 3>&- &
  OTHERS+=($!)
  wait_until grep -qE 'Ready to accept|Sentinel ID is' other.log
}

@test "replicas: named as such, with their primary" {
  start_nodes 3 tcp
  for i in 1 2; do
    node_cli "$i" REPLICAOF 127.0.0.1 "${NODE_ADDRESSES[3]}"
    linked() { node_cli "$i" INFO replication | grep -q 'master_link_status:up'; }
    wait_until linked
  done
  refused 69 'too many of these servers are replicas' exec -n db -- touch ran
  [[ $stderr == *"replica of 127.0.0.1:${NODE_ADDRESSES[3]}: "*'name primaries as nodes'* ]]
  [[ $stderr != *'no majority'* && $stderr != *'check that these servers run'* && $stderr != *granted* ]]
  refused 69 'too many of these servers are replicas' exec -n --prefix other: --restart-guard off db -- touch ran
  [[ $stderr == *READONLY* ]]
  run redlock exec -w 2s db -- touch ran
  [ "$status" -eq 69 ]
  [[ $output == *'waiting for db'*'too many of these servers are replicas'* ]]
  run redlock doctor
  [ "$status" -eq 78 ]
  [[ $output == *"mend: a replica of 127.0.0.1:${NODE_ADDRESSES[3]}"* ]]
  [ ! -e ran ]
}

@test "the port of a Sentinel: named as such, by exec and doctor" {
  port=$(free_port)
  printf '%s\n' "port $port" 'bind 127.0.0.1' "dir $NODE_FOLDER" 'sentinel monitor main 127.0.0.1 1 1' >sentinel.conf
  start_other sentinel.conf --sentinel
  export REDLOCK_NODES=redis://127.0.0.1:$port
  refused 78 'this is the port of a Sentinel' exec -n db -- touch ran
  [[ $stderr == *'too many of the servers are not fit'*'the addresses of the servers themselves'* ]]
  [[ $stderr != *credentials* ]]
  refused 78 'this is the port of a Sentinel' extend --token x db
  refused 78 'this is the port of a Sentinel' release --token x db
  run redlock doctor
  [ "$status" -eq 78 ]
  [[ $output == *'mend: '*'the port of a Sentinel'* ]]
  # With a database SELECT is refused first.
  run redlock exec -n -S "$REDLOCK_NODES/1" db -- touch ran
  [ "$status" -eq 77 ]
  [[ $output == *'if this is the port of a Sentinel'* ]]
  [ ! -e ran ]
}

@test "a server that has EVAL renamed is no Sentinel" {
  NODE_OPTIONS=(--rename-command EVAL hidden)
  start_new_nodes 1
  refused 77 "unknown command 'EVAL': the server has it renamed" exec -n db -- touch ran
  [ ! -e ran ]
  kill_node 1 # the teardown asks with EVAL
}

@test "a TLS port: said, in place of a reset" {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 -subj /CN=localhost 2>/dev/null
  port=$(free_port)
  start_other --port 0 --tls-port "$port" --bind 127.0.0.1 --tls-cert-file "$PWD/cert" --tls-key-file "$PWD/key" \
    --tls-ca-cert-file "$PWD/cert" --tls-auth-clients no --save '' --dir "$NODE_FOLDER"
  refused 69 'TLS, which this version of redlock does not' exec -n -S "redis://127.0.0.1:$port" db -- touch ran
  run redlock doctor -S "redis://127.0.0.1:$port"
  [ "$status" -eq 69 ]
  [[ $output == *'TLS, which this version of redlock does not'* ]]
  [ ! -e ran ]
}

@test "a TLS port that answers with an alert" {
  port=$(free_port)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 -subj /CN=localhost 2>/dev/null
  env -u REDLOCK_TEST_MARK setpriv --pdeathsig KILL openssl s_server -accept "127.0.0.1:$port" -cert cert -key key >other.log 2>&1 </dev/null 3>&- &
  OTHERS+=($!)
  wait_until grep -q ACCEPT other.log
  refused 69 'TLS, which this version of redlock does not' exec -n -S "redis://127.0.0.1:$port" db -- touch ran
  [ ! -e ran ]
}

said_that_they_refuse() {
  [[ $stderr == *'too many of the nodes refuse to work'* && $stderr != *'check that these servers run'* ]]
}

@test "a Sentinel and a replica among three nodes: they refuse, and it is not asked whether they run" {
  start_nodes 2 tcp
  node_cli 2 REPLICAOF 127.0.0.1 "${NODE_ADDRESSES[1]}"
  port=$(free_port)
  printf '%s\n' "port $port" 'bind 127.0.0.1' "dir $NODE_FOLDER" 'sentinel monitor main 127.0.0.1 1 1' >sentinel.conf
  start_other sentinel.conf --sentinel
  refused 69 'needs 2 of 3' exec -n -S "$REDLOCK_NODES,redis://127.0.0.1:$port" db -- touch ran
  said_that_they_refuse
  node_cli 2 REPLICAOF NO ONE
  [ ! -e ran ]
}

@test "servers with too many clients: they refuse, and it is not asked whether they run" {
  start_nodes 3 tcp
  each_node CONFIG SET maxclients 1
  # The server may still count the client before us: take the one place when it is really free.
  python3 -c 'import socket, sys, time
def hold(port):
    while True:
        connection = socket.create_connection(("127.0.0.1", int(port)))
        try:
            connection.sendall(b"PING\r\n")
            if connection.recv(64).startswith(b"+PONG"):
                return connection
        except OSError:
            pass
        connection.close()
        time.sleep(0.01)
held = [hold(port) for port in sys.argv[1:]]
time.sleep(600)' "${NODE_ADDRESSES[@]}" 3>&- &
  OTHERS+=($!)
  full() { for i in 1 2 3; do node_cli "$i" PING 2>&1 | grep -q 'max number of clients' || return; done; }
  wait_until full
  refused 69 'max number of clients' exec -n db -- touch ran
  said_that_they_refuse
  refused 69 'too many of the nodes refuse to work: db may still be held' release --token x db
  kill "${OTHERS[0]}"
  wait_until node_answers 1
  wait_until node_answers 2
  wait_until node_answers 3
  [ ! -e ran ]
}

@test "a table that explains a failure does not say granted" {
  start_nodes 5
  for i in 2 3 4; do kill_node "$i"; done
  refused 69 'voted for us' exec -n db -- touch ran
  [[ $stderr != *granted* ]]
  [ ! -e ran ]
}
