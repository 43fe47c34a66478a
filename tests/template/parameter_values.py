"""Values for every parameter of the template: those that work, and those that cannot. Rule: values alone, no test."""

from __future__ import annotations

from typing import Final

TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012"
NO_NUMBERS: Final = ["", "1.5", "1e3", "1.0", "+1", "01", "1 ", " 1", "1\n", "-2", "-0", "0x1", "many", "NaN", "\u0661"]
"""What a CloudFormation `Number` takes for one, or what looks like a whole number and is written otherwise."""
CLAIMS: Final = (
    ["scope", "scp", "cognito:groups", "custom:org_id", "https://example.com/roles", "org-id", "o", "c" * 128],
    ["", " ", "a b", 'a"b', "a\\b", "a$b", "a{b}", "a,b", "é", "c" * 129, "a\n"],
)
CONCURRENCY: Final = (["-1", "0", "1", "2", "500", "10000"], [*NO_NUMBERS, "-10", "1000000"])
ISSUERS: Final = (
    [
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/",
        "https://tenant.eu.auth0.com/",
        "https://example.okta.com/oauth2/default",
        "https://sso.example.com:8443/realms/Main",
        "https://Sso.Example.com/realms/a%20b",
        "https://xn--bcher-kva.example",
    ],
    [
        *(
            "",
            "sso.example.com",
            "http://sso.example.com",
            "HTTPS://sso.example.com",
            "https://",
            "https:///realms",
        ),
        *(
            "https://sso.example.com?a=b",
            "https://sso.example.com/?a",
            "https://sso.example.com/#a",
            "https://a b.com",
        ),
        *("https://user@sso.example.com", "https://user:word@sso.example.com/", "https://sso.example.com:0/"),
        *("https://sso.example.com:65536", "https://sso.example.com:", "https://localhost:8080/realms/Main"),
        *(
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://sso..example.com",
            "https://.example.com",
            "https://-a.com",
        ),
        *(
            "https://sso.example.com/ ",
            " https://sso.example.com",
            "https://sso.example.com\n",
            "https://bücher.example",
        ),
        *(
            "https://sso.example.com,https://other.example.com",
            'https://sso.example.com/"',
            "https://a_b.example.com",
        ),
    ],
)
AUDIENCES: Final = (
    [
        "modelpass",
        "https://api.example.com/",
        "api://2ff814a6-3304",
        "4t9n1d5bg",
        "one,two",
        "api://a,api://b",
        "-",
    ],
    ["", " ", "a b", " a", "a ", ",", "a,", ",a", "a,,b", "a, b", "a\tb", "a\n", "é"],
)
HOSTS: Final = (
    ["", "api.example.com", "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", "a-b.example", "1.example.com"],
    [
        *("localhost", "https://api.example.com", "api.example.com/v1", "api.example.com/", "api.example.com:443"),
        *("API.example.com", ".example.com", "api..example.com", "-a.example.com", "a-.example.com", "10.0.0.1"),
        *("*.example.com", " api.example.com", "api.example.com\n", "a.example,b.example", "bücher.example"),
    ],
)
IN_US_EAST_1: Final = "arn:aws:acm:us-east-1:123456789012:certificate"
CERTIFICATES: Final = (
    ["", f"{IN_US_EAST_1}/12345678-1234-1234-1234-123456789012"],
    [
        *(IN_US_EAST_1, f"{IN_US_EAST_1}/", f"{IN_US_EAST_1}/a b", f"{IN_US_EAST_1}/a\n", "certificate/a"),
        *("arn:aws:acm:eu-west-1:123456789012:certificate/a", "arn:aws:iam::123456789012:server-certificate/a"),
    ],
)
CLIENT_IDS: Final = (
    [
        *("", "modelpass-console", "4t9n1d5bg", "0oa1b2c3d4", "72f988bf-86f1-41af-91ab-2d7cd011db47", "c" * 255),
        *("123-abc.apps.googleusercontent.com", "https://console.example/client"),
    ],
    [" ", "a b", 'a"b', "a\\b", "a,b", "a&b", "é", "a\n", "c" * 256],
)
SCOPES: Final = (
    [
        *("openid", "openid offline_access", "modelpass/read openid", "api://modelpass/.default openid profile"),
        *("openid https://api.example/a", "a openid b"),
    ],
    ["", "profile", "openid ", " openid", "openid  profile", "openidx", "xopenid", 'openid "', "openid \\", "openid\n"],
)
EXTRAS: Final = (
    ["", "audience=modelpass", "audience=https://api.example/&prompt=login", "resource=api://a"],
    [
        *("audience", "=a", "audience=", "audience=a&", "&audience=a", "audience=a&&b=c", "Audience=a", "a=b c"),
        *('a="b"', "a=b=c", "a=é", "audience=a\n", "a=b,c=d"),
    ],
)
WEB_ACL: Final = "arn:aws:wafv2:us-east-1:123456789012:global/webacl"
RATES: Final = (["1", "100", "10000", "999999"], [*NO_NUMBERS, "-1", "0", "1000000"])
ROWS: Final[dict[str, tuple[list[str], list[str]]]] = {
    "Stage": (["dev", "prod", "a", "eu-2", "a" * 16], ["", "Prod", "2", "-a", "a_b", "a" * 17, "dev\n", "é"]),
    "JwtIssuer": ISSUERS,
    "JwtAudience": AUDIENCES,
    "OperatorJwtIssuer": (["", *ISSUERS[0]], [value for value in ISSUERS[1] if value]),
    "OperatorJwtAudience": (["modelpass-operators", *AUDIENCES[0][1:]], AUDIENCES[1]),
    "OperatorClaim": CLAIMS,
    "OperatorValue": (
        [
            "operator",
            "modelpass/operator",
            "api://modelpass/operator",
            "Model.Operator",
            "read:models",
            "op|1",
            "o" * 255,
        ],
        ["", " ", "a b", "a,b", "[a]", "a]", "{a", "a}", '"a"', "a\\b", "é", "o" * 256, "a\n", "a\t"],
    ),
    "AccountClaim": CLAIMS,
    "CorsOrigins": (
        [
            *("", "*", "https://*", "http://*", "https://*,http://localhost:5173", "https://console.example"),
            *(
                "http://localhost",
                "http://localhost:5173",
                "http://127.0.0.1:3000",
                "https://my_host:8443",
                "https://4you",
            ),
            *("https://xn--bcher-kva.example", "https://a.example,https://b.example", "https://a.example:80"),
            *("http://a.example:443", "https://a.example:8080", "http://a.example:8", "https://a.example:65535"),
            *(
                "https://a.example,https://a.example:8443",
                "https://a.example,http://a.example",
                "https://1.2.3.example",
            ),
            *("https://a.b,https://a.bc", "https://0x.example", "https://example.com,https://www.example.com"),
        ],
        [
            *(
                "https://a.example/",
                "https://a.example/app",
                "https://a.example,https://b.example/",
                "https://a.example?b",
            ),
            *("https://a.example#b", "https://user@a.example", "https://user:word@a.example", "https://A.example"),
            *(
                "HTTPS://a.example",
                "Https://a.example",
                "https://a.example:443",
                "http://a.example:80",
                "http://localhost:80",
            ),
            *("https://a.example:443,https://b.example", "https://b.example,http://a.example:80", "https://a.example:"),
            *("https://a.example:0", "https://a.example:08443", "https://a.example:65536", "https://a.example:port"),
            *("*,https://a.example", "https://a.example,*", "*,*", "*.example", "https://*.example", "https://a.*"),
            *(
                "https://*:8443",
                "https://*/",
                "https://**",
                "https://a.example,https://a.example",
                "https://*,https://*",
            ),
            *("https://a.example,https://b.example,https://a.example", "https://a.example,", ",https://a.example", ","),
            *(
                "https://a.example,,https://b.example",
                "https://a.example, https://b.example",
                "https://a.example;https://b",
            ),
            *(
                "a.example",
                "//a.example",
                "https:a.example",
                "https://",
                "https:///",
                "null",
                "file://",
                "ftp://a.example",
            ),
            *("capacitor://localhost", "chrome-extension://abc", "https://bücher.example", "https://a..example"),
            *("https://.example", "https://-a.example", "https://a-.example", "https://127.1", "http://256.0.0.1"),
            *("http://127.0.0.01", "http://2130706433", "http://0x7f000001", "http://a.0x1", " https://a.example"),
            *(
                "https://a.example ",
                "https://a.example\n",
                "https://a.example\n,https://b.example",
                "http://[::1]:3000",
            ),
        ],
    ),
    "ApiRequestsPerSecond": RATES,
    "ApiBurstRequests": RATES,
    "KeyRequestsPerSecond": RATES,
    "KeyBurstRequests": RATES,
    "OperatorRequestsPerSecond": RATES,
    "OperatorBurstRequests": RATES,
    "DefaultEndpoints": (["Open", "Closed"], ["", "open", "closed", "true", "Disabled"]),
    "AuthorizeConcurrency": CONCURRENCY,
    "SettleConcurrency": (
        ["-1", "0", "10", "15", "99", "100", "200", "1000", "12340"],
        [*NO_NUMBERS, "-10", "101", "1005", "1000000"],
    ),
    "ResetConcurrency": CONCURRENCY,
    "SettleQueueConcurrency": (
        ["2", "5", "10", "20", "50", "100", "200", "500", "1000"],
        [*NO_NUMBERS, "-1", "0", "1", "3", "1001", "2000"],
    ),
    "MaxOpenHolds": (["1", "9", "100", "999", "1000"], [*NO_NUMBERS, "-1", "0", "1001", "9999"]),
    "PriceChangeFactor": (
        ["2", "9", "10", "11", "99", "100", "999999", "1000000"],
        [*NO_NUMBERS, "-1", "0", "1", "1000001", "9999999"],
    ),
    "SaleApproval": (["none", "required"], ["", "None", "Required", "true", "optional", "required "]),
    "OrderMinutes": (
        ["1", "9", "60", "1440", "9999", "10000", "10079", "10080"],
        [*NO_NUMBERS, "-1", "0", "10081", "10090", "10100", "11000", "20000"],
    ),
    "DeploymentKeyRevision": (["1", "2", "20261127"], [*NO_NUMBERS, "-1", "0", "1" * 10]),
    "ReleaseStrategy": (
        ["Canary10Percent10Minutes", "Canary10Percent30Minutes", "Linear10PercentEvery1Minute", "AllAtOnce"],
        ["", "allatonce", "Canary", "Canary20Percent10Minutes", "CodeDeployDefault.LambdaAllAtOnce", "AllAtOnce "],
    ),
    "Architecture": (["arm64", "x86_64"], ["", "x86", "ARM64", "amd64"]),
    "StoreEndpoint": (
        [
            *("", "http://127.0.0.1:8000", "http://localhost:8000/", "https://dynamodb.eu-west-1.amazonaws.com"),
            *(
                "http://172.17.0.1:8000",
                "http://dynamodb",
                "https://store.example:443",
                "http://[::1]:8000",
                "http://a-b:1",
            ),
        ],
        [
            *(
                "127.0.0.1:8000",
                "localhost",
                "ftp://store",
                "//store",
                "http://",
                "http://:8000",
                "http:store",
                "http://a b",
            ),
            *("http://store:8000/path", "http://store:8000//", "http://store?a=b", "http://store/?", "http://store#a"),
            *(
                "http://user@store",
                "http://user:word@store:8000",
                "http://store:0",
                "http://store:65536",
                "http://store:",
            ),
            *(
                "http://store:port",
                "http://.store",
                "http://store..example",
                "http://a_b:8000",
                "http://-a",
                "http://a-",
            ),
            *("HTTP://store", "http://Store", " http://store", "http://store ", "http://store\n", "http://störe"),
            *("http://[::1", "http://::1", "http://[store]", f"http://{'a' * 64}", "http://store,http://other"),
        ],
    ),
    "StoreClient": (["lean", "boto3"], ["", "Lean", "sdk"]),
    "SchemaVersionWritten": (["2", "3"], [*NO_NUMBERS, "1", "4", "2,3"]),
    "Tracing": (["Disabled", "Active"], ["", "active", "PassThrough", "true"]),
    "LogLevel": (["DEBUG", "INFO", "WARNING", "ERROR"], ["", "info", "TRACE", "LOUD"]),
    "LogRetentionDays": (["7", "14", "30", "60", "90", "180", "365"], [*NO_NUMBERS, "0", "1", "8", "7.0"]),
    "AlarmTopicArn": (
        [
            *("", f"{TOPIC}:on-call", f"{TOPIC}:On_Call-1", "arn:aws-cn:sns:cn-north-1:123456789012:on-call"),
            *("arn:aws-us-gov:sns:us-gov-west-1:123456789012:a", "arn:aws-eusc:sns:eusc-de-east-1:123456789012:a"),
        ],
        [
            *(
                "on-call",
                f"{TOPIC}:on-call.fifo",
                f"{TOPIC}:",
                TOPIC,
                f"{TOPIC}:a:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55",
            ),
            *("arn:aws:sqs:eu-west-1:123456789012:a", "arn:aws:sns::123456789012:a", "arn:aws:sns:eu-west-1::a"),
            *(
                "arn:aws:sns:eu-west-1:12345678901:a",
                f"{TOPIC}:a b",
                f"{TOPIC}:{'a' * 257}",
                f"{TOPIC}:a\n",
                f"{TOPIC}:*",
            ),
            *("arn:AWS:sns:eu-west-1:123456789012:a", "arn:gcp:sns:eu-west-1:123456789012:a", f"{TOPIC}:a,{TOPIC}:b"),
            "arn:aws:sns:anywhere:123456789012:a",
        ],
    ),
    "AuthorizeP99AlarmMs": (["1", "500", "9999", "14999"], [*NO_NUMBERS, "-1", "0", "15000", "60000"]),
    "ResetLagAlarmSeconds": (["60", "99", "3600", "999999"], [*NO_NUMBERS, "-1", "0", "59", "1000000"]),
    "InvalidKeysAlarmPercent": (["1", "5", "50", "99"], [*NO_NUMBERS, "-1", "0", "100"]),
    "SilenceAlarmMinutes": (
        ["0", "5", "60", "999", "1399", "1440"],
        [*NO_NUMBERS, "-1", "1", "4", "1441", "1500", "9999"],
    ),
    "SyntheticCustomer": (["Disabled", "Enabled"], ["", "enabled", "true", "On"]),
    "SyntheticModel": (
        ["", "probe", "openai/gpt-4o", "m" * 128, "A.b_c:d/e@f-g"],
        [" ", "a b", "a#b", "a%2Fb", "m" * 129, "é", "a\n", "a,b"],
    ),
    "SyntheticTier": (["basic", "stable", "enterprise"], ["", "Basic", "gold", "free"]),
    "Console": (["Disabled", "Enabled"], ["", "enabled", "true", "On"]),
    "ConsoleClientId": CLIENT_IDS,
    "ConsoleOperatorClientId": CLIENT_IDS,
    "ConsoleScope": SCOPES,
    "ConsoleOperatorScope": SCOPES,
    "ConsoleToken": (["access_token", "id_token"], ["", "token", "access-token", "refresh_token"]),
    "ConsoleExtra": EXTRAS,
    "ConsoleOperatorExtra": EXTRAS,
    "ConsoleSignInOrigins": (
        [
            *("", "https://modelpass.auth.eu-west-1.amazoncognito.com", "https://sso.example.com:8443"),
            "https://a.example,https://b.example:444",
        ],
        [
            *("*", "https://*", "https://*.example", "http://a.example", "a.example", "https://a.example/"),
            *("https://a.example/oauth2", "https://a.example;script-src *", "https://a.example script-src"),
            *("https://a.example,", ",https://a.example", "https://a.example,,https://b.example", "https://A.example"),
            *("https://a.example\n", "https://user@a.example", "https://localhost:8080", "https://a.example'"),
        ],
    ),
    "ConsoleRouterUrl": (
        ["", "https://router.example/v1", "https://router.example", "https://router.example:8443/a%20b/v1/"],
        [
            *("router.example", "http://router.example", "https://", "https://localhost/v1", "https://Router.example"),
            *("https://router.example?a", "https://router.example/#a", "https://user@router.example/", "https://a b.c"),
            *('https://router.example/"', "https://router.example/\n", "https://router.example:0/"),
        ],
    ),
    "ConsoleAlias": (HOSTS[0][1:], HOSTS[1]),  # empty, where no certificate is named
    "ConsoleCertificateArn": (CERTIFICATES[0][1:], CERTIFICATES[1]),
    "ConsoleApiDomain": HOSTS,
    "ConsoleOperatorApiDomain": HOSTS,
    "ConsoleOriginCertificateArn": CERTIFICATES,
    "ConsoleWebAclArn": (
        ["", f"{WEB_ACL}/CustomersLimits-a1/12345678-1234-1234-1234-123456789012"],
        [
            *(WEB_ACL, f"{WEB_ACL}/a", f"{WEB_ACL}/a/b/c", f"{WEB_ACL}/a/b c", "arn:aws:waf::123456789012:webacl/a"),
            "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b",
        ],
    ),
}
PRODUCTION: Final = {
    "Stage": "prod",
    "AlarmTopicArn": f"{TOPIC}:on-call",
    "AuthorizeConcurrency": "500",
    "SettleConcurrency": "200",
}
"""The least that has to be said of production."""
CONSOLE: Final = {
    "ConsoleClientId": "console",
    "ConsoleOperatorClientId": "console-operators",
    "ConsoleRouterUrl": "https://router.example/v1",
}
"""The least that has to be said of the console."""
NEEDED: Final = {
    "Stage": {name: value for name, value in PRODUCTION.items() if name != "Stage"},
    "SettleConcurrency": {"SettleQueueConcurrency": "2"},
    "SyntheticCustomer": {"SyntheticModel": "probe"},
    "Console": CONSOLE,
    "ConsoleAlias": {"ConsoleCertificateArn": CERTIFICATES[0][1]},
    "ConsoleCertificateArn": {"ConsoleAlias": "console.example.com"},
}
"""What else has to be said for a value to work."""
