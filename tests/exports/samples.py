"""Small whole files of each format, written by hand, for fuzzing and for tests of what all formats share."""

from __future__ import annotations

from functools import cache


def crc16(data: bytes) -> int:
    """CRC16/ARC, bit by bit, as the P1 companion standard describes it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def telegram(lines: list[str], *, ending: str = "\r\n") -> bytes:
    """A telegram of these objects with its checksum."""
    body = "\r\n".join(["/TST5\\2METER-1", "", *lines, "!"]).encode()
    return (body + f"{crc16(body):04X}\r\n".encode()).replace(b"\r\n", ending.encode())


def nem12(days: dict[str, list[float]], *, length: int = 30, suffix: str = "E1", unit: str = "kWh") -> bytes:
    """A NEM12 file of one data stream; the values of each day."""
    lines = [
        "100,NEM12,202401020000,MDP1,RET1",
        f"200,NMI0000001,{suffix},1,{suffix},N1,SER1,{unit},{length},",
    ]
    for day, values in days.items():
        lines.append(f"300,{day},{','.join(f'{value:g}' for value in values)},A,,,20240102000000,")
    return ("\r\n".join([*lines, "900"]) + "\r\n").encode()


NEM13 = (
    b"100,NEM13,202401020000,MDP1,RET1\n250,NMI0000002,11,1,11,11,SER2,E,000100,20231001000000,A,,,000180,"
    b"20240101000000,S53,,,80,kWh,20240401,20240102000000,\n550,N,,A,\n900\n"
)
MSCONS = (
    b"UNA:+,? 'UNB+UNOC:3+A:500+B:500+240102:0000+R1++TL'UNH+1+MSCONS:D:04B:UN:2.4b'BGM+7+1+9'"
    b"DTM+137:202401020000?+01:303'UNS+D'NAD+DP'LOC+172+DE0001'DTM+163:202401010000?+01:303'"
    b"DTM+164:202401010030?+01:303'LIN+1'PIA+5+1-1?:1.29.0:SRW'QTY+220:1,5:KWH'DTM+163:202401010000?+01:303'"
    b"DTM+164:202401010015?+01:303'QTY+67:2:KWH'DTM+163:202401010015?+01:303'DTM+164:202401010030?+01:303'"
    b"UNT+17+1'UNZ+1+R1'"
)
WATERML1 = (
    b'<timeSeriesResponse xmlns="http://www.cuahsi.org/waterML/1.1/"><timeSeries name="S:1"><sourceInfo><siteCode>1'
    b"</siteCode></sourceInfo><variable><variableCode>V</variableCode><unit><unitCode>cfs</unitCode></unit>"
    b'<noDataValue>-999</noDataValue></variable><values><value qualifiers="A" dateTime="2024-01-01T00:00:00Z">1.5'
    b'</value><value qualifiers="P" dateTime="2024-01-01T01:00:00Z">-999</value><value qualifiers="P e" '
    b'dateTime="2024-01-01T02:00:00Z">2.5</value></values></timeSeries></timeSeriesResponse>'
)
WATERML2 = (
    b'<w:Collection xmlns:w="http://www.opengis.net/waterml/2.0" xmlns:o="http://www.opengis.net/om/2.0" '
    b'xmlns:g="http://www.opengis.net/gml/3.2" xmlns:x="http://www.w3.org/1999/xlink"><w:observationMember>'
    b'<o:OM_Observation><o:result><w:MeasurementTimeseries g:id="T1"><w:defaultPointMetadata>'
    b'<w:DefaultTVPMeasurementMetadata><w:quality x:href="http://q/good"/><w:uom code="m3/s"/>'
    b"</w:DefaultTVPMeasurementMetadata>"
    b"</w:defaultPointMetadata><w:point><w:MeasurementTVP><w:time>2024-01-01T00:00:00Z</w:time><w:value>3</w:value>"
    b"</w:MeasurementTVP></w:point><w:point><w:MeasurementTVP><w:time>2024-01-01T01:00:00Z</w:time><w:value/>"
    b"</w:MeasurementTVP></w:point></w:MeasurementTimeseries></o:result></o:OM_Observation></w:observationMember>"
    b"</w:Collection>"
)
NGSI = (
    b'[{"id":"urn:ngsi-ld:M:1","type":"M","flow":{"type":"Property","value":12.5,"unitCode":"E32","observedAt":'
    b'"2024-01-01T00:00:00Z"},"use":{"type":"Number","value":3,"metadata":{"unitCode":{"value":"KWH"},"timestamp":'
    b'{"value":"2024-01-01T00:00:00Z"}}},"level":[{"type":"Property","value":1,"unitCode":"MTR","observedAt":'
    b'"2024-01-01T00:00:00Z"},{"type":"Property","value":2,"unitCode":"MTR","observedAt":"2024-01-01T01:00:00Z"}]}]'
)
SENSORTHINGS = (
    b'{"value":[{"@iot.id":7,"name":"DS","unitOfMeasurement":{"symbol":"m3/h"},"Observations":[{"phenomenonTime":'
    b'"2024-01-01T00:00:00Z","result":1.5},{"phenomenonTime":"2024-01-01T00:15:00Z/2024-01-01T00:30:00Z","result":2}]},'
    b'{"Datastream":{"@iot.id":8,"unitOfMeasurement":{"symbol":"L"}},"components":["phenomenonTime","result"],'
    b'"dataArray":[["2024-01-01T00:00:00Z",5],["2024-01-01T01:00:00Z",null]]}]}'
)
JSON = (
    b'{"results":[{"meter":"A","start":"2024-01-01T00:00:00Z","value":1.5,"unit":"kWh"},{"meter":"A","start":'
    b'"2024-01-01T00:30:00+00:00","value":"2","unit":"kWh"},{"meter":"B","start":1704067200,"value":null,"unit":"m3"}]}'
)
DSMR = telegram(
    [
        "1-3:0.2.8(50)",
        "0-0:1.0.0(240101120000W)",
        "0-0:96.1.1(4530303434303037333832323436303139)",
        "1-0:1.8.1(000123.456*kWh)",
        "1-0:2.8.1(000001.000*kWh)",
        "1-0:1.7.0(00.193*kW)",
        "0-1:24.1.0(003)",
        "0-1:96.1.0(4730303339303031393336393930363139)",
        "0-1:24.2.1(240101115500W)(00246.138*m3)",
    ]
)


@cache
def all_of_them() -> dict[str, tuple[bytes, ...]]:
    """The samples of each format, by its name."""
    return {
        "nem12": (
            nem12({"20240101": [0.5] * 48, "20240102": [1] * 48}),
            nem12({"20240101": [1] * 288}, length=5),
        ),
        "nem13": (NEM13,),
        "mscons": (MSCONS,),
        "waterml": (WATERML1, WATERML2),
        "ngsi": (NGSI,),
        "sensorthings": (SENSORTHINGS,),
        "json": (JSON,),
        "dsmr": (DSMR, DSMR * 2),
    }
