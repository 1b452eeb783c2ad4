"""Words that columns are called by, in the order in which they are looked for."""

from __future__ import annotations

# Words of column names, without signs and case; the earlier, the surer.
POINT_WORDS = (
    "point", "pointid", "series", "seriesid", "tag", "tagname", "meter", "meterid", "meternumber", "meterno",
    "deviceid", "device", "sensor", "sensorid", "nmi", "mpan", "mprn", "esiid", "usagepoint", "servicepoint",
    "servicepointid", "channel", "channelid", "register", "metercode", "zählpunkt", "zaehlpunkt", "zähler",
    "meterserialnumber", "meterserial", "metersn", "meteridentifier", "endpointid", "endpointsn", "endpoint", "miuid",
    "miu", "serialnumber", "serial", "zählernummer", "zaehlernummer", "meteringpoint", "meteringpointid", "gsrn", "ean",
    "icp", "entityid", "messlokation", "marktlokation", "malo", "melo", "location", "locationid", "site", "siteid",
    "premise", "varname", "variable", "variablename", "datapoint", "datenpunkt", "messstelle", "signal", "signalname",
    "prm", "identifiantprm", "idprm", "usagepointid",
    "pdl", "pce", "cups", "pod", "codicepod", "codpod", "podcode", "cpe",
    "pontodemedição", "kodppe", "numerppe", "målepunktsid", "målepunktid", "anläggningsid",
    "anlaggningsid", "eancode", "zählpunktnummer", "zählpunktbezeichnung", "messpunkt", "messpunktbezeichnung",
    "mittauspisteentunnus", "ppe", "eic", "compteur", "numérocompteur", "contador", "nºcontador", "medidor",
    "contatore", "matricola", "licznik", "numerlicznika", "nrlicznika", "vodoměr", "elektroměr", "měřidlo", "mérő",
    "måler", "målernummer", "mätare", "mätarnummer", "mittari", "brojilo", "customer", "account", "accountid",
    "id", "name",
)  # fmt: skip
TIME_WORDS = (
    "time", "timestamp", "datetime", "date", "zeit", "zeitstempel", "datum", "ts", "start", "epoch", "unix",
)  # fmt: skip
CHANNEL_WORDS = (
    "channel", "channelid", "channelnumber", "register", "registerid", "obis", "obiscode", "parameter", "measurement",
    "quantity", "commodity", "datastream", "nmisuffix", "suffix", "kanal", "medium", "readtype", "readingtype",
    "registertype", "measurementtype", "energytype", "grandeurmetier", "grandeurphysique", "seriestype", "type",
    "rodzaj", "tipo",
)  # fmt: skip
VALUE_WORDS = (
    "value", "consumption", "usage", "wert", "verbrauch", "messwert", "intervalvalue", "intervalread",
    "reading", "read", "readvalue", "readingvalue", "meterreading", "registerread", "zählerstand",
    "zaehlerstand", "stand", "flow", "volume",
    "varvalue", "valeur", "valor", "valore", "waarde", "værdi", "värde", "verdi", "arvo", "väärtus", "wartość",
    "hodnota", "érték", "vrijednost",
    "menge", "mængde", "mängd", "määrä", "hoeveelheid", "cantidad", "quantité", "quantità", "ilość", "množství",
)  # fmt: skip
UNIT_WORDS = (
    "unit", "units", "uom", "unitofmeasure", "unitsofmeasure", "unitofmeasurement", "readunit", "readingunit",
    "usageunit", "usageunits", "flowunit", "consumptionunit", "einheit", "valueunit", "unitcode", "unite", "unité",
    "eenheid", "måleenhed", "måleenhet", "enhet", "enhed", "unidad", "unità", "messeinheit", "mengeneinheit",
    "yksikkö", "yksikkötyyppi", "jednostka", "jednotka",
)  # fmt: skip
DIRECTION_WORDS = ("direction", "flowdirection", "energydirection", "directionofflow", "richtung")
QUALITY_WORDS = (
    "opcquality", "qualityopc", "qualitydetail",
    "quality", "readingquality", "qualityflag", "qualitycode", "status", "flag", "qc", "qualität", "validity",
    "estimated", "estimatedindicator", "estimatedactual", "readstatus", "readingstatus", "kvalitet", "qualité",
    "kwaliteit", "validatiestatus", "metodoobtencion", "realestimado", "naturaleza",
    "estimatedflag", "isestimated", "estimatedread", "estimatedreading", "estimate", "estimateflag",
    "estimateindicator", "estimation", "est", "estflag", "actualestimated", "ae", "valid", "isvalid", "validflag",
    "invalid", "gültig", "ungültig", "readquality", "dataquality", "datenqualität", "datenstatus", "messwertstatus",
    "laatu", "estado", "güte", "jakość", "calidad", "qualidade", "qualità", "kvalita",
    "minőség",
)  # fmt: skip
# Columns of what a reading is to be multiplied by: a register's resolution, the ratio of transformers.
FACTOR_WORDS = (
    "multiplier", "metermultiplier", "readmultiplier", "readingmultiplier", "registermultiplier", "dialmultiplier",
    "factor", "meterfactor", "scalefactor", "scalingfactor", "readingfactor", "faktor", "zählerfaktor",
    "wandlerfaktor", "umrechnungsfaktor", "multiplikator", "multiplicateur", "facteur",
    "multiplicador", "factormultiplicador", "moltiplicatore", "omregningsfaktor", "ctratio",
)  # fmt: skip
