#!/usr/bin/env python3
"""Holds connections open: hold.py plain|tls|session COUNT PORT FIRST

Prints how many stand once all do, and closes them when its input ends. A session is a connection on which an Inform of
device FIRST + n was answered.
"""
import base64
import resource
import socket
import ssl
import sys

kind, count, port, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

INFORM = """<?xml version="1.0" encoding="UTF-8"?>
<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-2">
<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">1</cwmp:ID></soap-env:Header><soap-env:Body><cwmp:Inform>
<DeviceId><Manufacturer>Carillon</Manufacturer><OUI>00D09E</OUI><ProductClass>Carillon</ProductClass>
<SerialNumber>{serial}</SerialNumber></DeviceId>
<Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>2 PERIODIC</EventCode><CommandKey/>
</EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-01-01T00:00:00Z</CurrentTime>
<RetryCount>0</RetryCount><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct>
<Name>Device.DeviceInfo.SoftwareVersion</Name><Value xsi:type="xsd:string">1.0</Value></ParameterValueStruct>
</ParameterList></cwmp:Inform></soap-env:Body></soap-env:Envelope>"""


def inform(connection, number):
    serial = f"{number:08d}"
    body = INFORM.format(serial=serial).encode()
    proof = base64.b64encode(f"00D09E-Carillon-{serial}:secret".encode()).decode()
    connection.sendall(
        (
            f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
            f"Authorization: Basic {proof}\r\nSOAPAction: \"\"\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        + body
    )
    answer = b""
    while b"InformResponse>" not in answer:
        more = connection.recv(65536)
        if not more:
            sys.exit(f"Inform {number} was not answered: {answer[:300]!r}")
        answer += more


context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
held = []
for number in range(count):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    if kind == "tls":
        connection = context.wrap_socket(connection)
    if kind == "session":
        inform(connection, first + number)
    held.append(connection)
print(len(held), flush=True)
sys.stdin.read()
