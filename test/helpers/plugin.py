"""A Docker network and IPAM plugin that knows nothing of calicoctl: Python's standard library and `ip` alone.

plugin.py SOCKET CALLS FAULTS

A network is a bridge with the gateway's address, an endpoint a veth pair that is born with the endpoint. All else is in
memory, and is lost when it ends. Each call is appended to the file CALLS, one JSON object a line. The file FAULTS, when
it is there, says by method what to do instead: {"NetworkDriver.Join": {"status": 200, "body": "..."}}, "hang" or "die".
"""

import ipaddress
import json
import os
import socketserver
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler

SOCKET, CALLS, FAULTS = sys.argv[1:4]
lock = threading.RLock()
networks, endpoints, pools = {}, {}, {}


class Refused(Exception):
    pass


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).returncode == 0


def exists(name):
    return ip("link", "show", name, check=False)


def known(table, what, key):
    if key not in table:
        raise Refused(f"{what} {key} not found")
    return table[key]


def create_network(request):
    options = request.get("Options") or {}
    data = request.get("IPv4Data") or []
    network = {"bridge": "plb" + request["NetworkID"][:8], "options": options.get("com.docker.network.generic") or {}}
    network["gateways"] = [pool["Gateway"] for pool in data + (request.get("IPv6Data") or []) if pool.get("Gateway")]
    if not exists(network["bridge"]):
        ip("link", "add", network["bridge"], "type", "bridge")
    for gateway in network["gateways"]:
        ip("address", "replace", gateway, "dev", network["bridge"], *(["nodad"] if ":" in gateway else []))
    ip("link", "set", network["bridge"], "up")
    networks[request["NetworkID"]] = network
    return {}


def delete_network(request):
    ip("link", "delete", "plb" + request["NetworkID"][:8], check=False)
    networks.pop(request["NetworkID"], None)
    return {}


def create_endpoint(request):
    network = known(networks, "network", request["NetworkID"])
    end = request["EndpointID"][:8]
    if not exists("plh" + end):
        ip("link", "add", "plh" + end, "master", network["bridge"], "type", "veth", "peer", "name", "plc" + end)
        ip("link", "set", "plh" + end, "up")
    endpoints[request["EndpointID"]] = request
    mac = network["options"].get("mac")
    return {"Interface": {"Address": "", "AddressIPv6": "", "MacAddress": mac or ""}, "Unknown": {"key": [1]}}


def delete_endpoint(request):
    ip("link", "delete", "plh" + request["EndpointID"][:8], check=False)
    endpoints.pop(request["EndpointID"], None)
    return {}


def join(request):
    network = known(networks, "network", request["NetworkID"])
    known(endpoints, "endpoint", request["EndpointID"])
    options = network["options"]
    bare = {6 if ":" in text else 4: text.split("/")[0] for text in network["gateways"]}
    routes = [{"Destination": text, "RouteType": 1} for text in options.get("connected", "").split() if text]
    for text in options.get("routes", "").split():
        destination, _, via = text.partition("@")
        routes.append({"Destination": destination, "RouteType": 0, "NextHop": via})
    return {
        "InterfaceName": {"SrcName": "plc" + request["EndpointID"][:8], "DstPrefix": options.get("prefix", "eth")},
        "Gateway": options.get("gateway", bare.get(4, "")),
        "GatewayIPv6": bare.get(6, ""),
        "StaticRoutes": routes,
    }


def oper_info(request):
    known(endpoints, "endpoint", request["EndpointID"])
    return {"Value": {}}


def request_pool(request):
    if request.get("SubPool") and not request.get("Pool"):
        raise Refused("a subpool needs a pool")
    default = "fd99::/64" if request.get("V6") else "10.99.0.0/24"
    prefix = str(ipaddress.ip_network(request.get("Pool") or default))
    key = f"pool/{prefix}"
    pools.setdefault(key, {"prefix": prefix, "range": request.get("SubPool") or prefix, "used": set()})
    data = {"com.docker.network.gateway": "0.0.0.0/0"} if "nogateway" in (request.get("Options") or {}) else {}
    return {"PoolID": key, "Pool": prefix, "Data": data}


def release_pool(request):
    pools.pop(request["PoolID"], None)
    return {}


def request_address(request):
    pool = known(pools, "pool", request["PoolID"])
    wished = request.get("Address")
    hosts = ipaddress.ip_network(pool["range"]).hosts()
    found = wished or next((str(host) for host in hosts if str(host) not in pool["used"]), None)
    if found is None or found in pool["used"]:
        raise Refused(f"address {found} is not free")
    pool["used"].add(found)
    return {"Address": f"{found}/{pool['prefix'].split('/')[1]}", "Data": {}}


def release_address(request):
    pools.get(request["PoolID"], {"used": set()})["used"].discard(request.get("Address"))
    return {}


METHODS = {
    "Plugin.Activate": lambda _: {"Implements": ["NetworkDriver", "IpamDriver"]},
    "NetworkDriver.GetCapabilities": lambda _: {"Scope": "local", "ConnectivityScope": "global"},
    "NetworkDriver.CreateNetwork": create_network,
    "NetworkDriver.DeleteNetwork": delete_network,
    "NetworkDriver.CreateEndpoint": create_endpoint,
    "NetworkDriver.DeleteEndpoint": delete_endpoint,
    "NetworkDriver.EndpointOperInfo": oper_info,
    "NetworkDriver.Join": join,
    "NetworkDriver.Leave": lambda _: {},
    "IpamDriver.GetDefaultAddressSpaces": lambda _: {
        "LocalDefaultAddressSpace": "here",
        "GlobalDefaultAddressSpace": "everywhere",
    },
    "IpamDriver.RequestPool": request_pool,
    "IpamDriver.ReleasePool": release_pool,
    "IpamDriver.RequestAddress": request_address,
    "IpamDriver.ReleaseAddress": release_address,
}


def fault(method):
    try:
        with open(FAULTS) as file:
            return json.load(file).get(method)
    except FileNotFoundError:
        return None


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        method = self.path[1:]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name: self.headers.get(name) for name in ("Accept", "Content-Type")}
        with lock, open(CALLS, "a") as file:
            file.write(json.dumps({"method": method, "body": body, **headers}) + "\n")
        wrong = fault(method)
        if wrong == "die":
            os._exit(1)
        if wrong == "hang":
            threading.Event().wait(60)
        elif isinstance(wrong, dict):
            self.reply(wrong["status"], wrong["body"])
        else:
            self.answer(method, body)

    def answer(self, method, body):
        if method not in METHODS:
            return self.reply(404, "404 page not found\n")
        try:
            with lock:
                answer = METHODS[method](json.loads(body or "{}") or {})
            return self.reply(200, json.dumps(answer))
        except Refused as error:
            return self.reply(200, json.dumps({"Err": str(error), "Error": str(error)}))
        except subprocess.CalledProcessError as error:
            return self.reply(500, json.dumps({"Err": error.stderr.strip()}))

    def reply(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def address_string(self):
        return "socket"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if os.path.exists(SOCKET):
    os.unlink(SOCKET)
Server(SOCKET, Handler).serve_forever()
