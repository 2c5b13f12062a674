"""The texts that `openrum up` and `openrum help clients` print, to be filled in by `substitute`."""

from __future__ import annotations

__all__ = [
    "CHANNEL",
    "CLIENTS",
    "CREDENTIALS",
    "CURL",
    "GRPC_ACCESS",
    "GRPC_IMPORTS",
    "INVITATION",
    "METADATA",
    "PAGE_ACCESS",
    "UP",
]

from string import Template

UP = Template("""
  page         $page
  HTTP         $http
  gRPC         $grpc
  app monitor  $name  $id
  $data

$invitation

$sample
$curl

Connect your clients: $clients""")

# The texts below differ by whether callers are authorized.
INVITATION = {
    False: Template("Send a sample batch from another terminal, with the command or with curl:"),
    True: Template("""\
Callers are authorized. Create an access key for curl:

export $$($create_key)

Send a sample batch from another terminal, with the command or with curl:"""),
}

CURL = {
    False: Template("curl -i '$url' -H 'Content-Type: application/json' -d $body"),
    True: Template(
        "curl -i --aws-sigv4 aws:amz:$region:rum -u"
        ' "$$AWS_ACCESS_KEY_ID:$$AWS_SECRET_ACCESS_KEY"'
        " '$url' -H 'Content-Type: application/json' -d $body"
    ),
}

CREDENTIALS = {
    False: Template("""\
The server accepts every caller. The AWS SDKs still need credentials to sign with:

export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=$region"""),
    True: Template("""\
The server authorizes every caller. Create an access key and pass it on to the AWS SDKs:

export $$($create_key) AWS_DEFAULT_REGION=$region"""),
}

PAGE_ACCESS = {
    False: Template(""),
    True: Template("""
--- Pages: permission to send events without a signature

$put_policy <<'END'
{"Version": "2012-10-17", "Statement": [{
  "Effect": "Allow", "Principal": "*", "Action": "rum:PutRumEvents",
  "Resource": "arn:aws:rum:$region:$account:appmonitor/$name"
}]}
END
"""),
}

GRPC_ACCESS = {
    False: Template(""),
    True: Template("""
export OPENRUM_TOKEN=$$($create_token)
"""),
}

GRPC_IMPORTS = {False: Template(""), True: Template("import os\n")}

METADATA = {
    False: Template(""),
    True: Template("""
        metadata=[("authorization", f"Bearer {os.environ['OPENRUM_TOKEN']}")],"""),
}

# By whether the service has TLS.
CHANNEL = {
    False: Template('grpc.insecure_channel("$grpc")'),
    True: Template("""\
grpc.secure_channel(
    "$grpc", grpc.ssl_channel_credentials(open("ca.pem", "rb").read())
)"""),
}

CLIENTS = Template("""\
How clients send events to the app monitor $name at $url

--- Credentials

$credentials

--- boto3

import time
import uuid

import boto3
from botocore.config import Config

rum = boto3.client(
    "rum",
    endpoint_url="$url",
    region_name="$region",
    config=Config(inject_host_prefix=False),
)
rum.put_rum_events(
    Id="$id",
    BatchId=str(uuid.uuid4()),
    AppMonitorDetails={"name": "$name", "version": "1.0.0"},
    UserDetails={"userId": str(uuid.uuid4()), "sessionId": str(uuid.uuid4())},
    RumEvents=[
        {"id": str(uuid.uuid4()), "timestamp": time.time(), "type": "my.event", "details": "{}"}
    ],
)

--- AWS CLI

export AWS_ENDPOINT_URL_RUM=$url AWS_DISABLE_HOST_PREFIX_INJECTION=true
aws rum put-rum-events --id $id --batch-id $uuid1 \\
  --app-monitor-details name=$name,version=1.0.0 \\
  --user-details userId=$uuid2,sessionId=$uuid3 \\
  --rum-events '[{"id": "$uuid4", "timestamp": $now, "type": "my.event", "details": "{}"}]'

--- AWS SDK for JavaScript v3 (npm install @aws-sdk/client-rum)

import { randomUUID } from "node:crypto";
import { PutRumEventsCommand, RUMClient } from "@aws-sdk/client-rum";

const rum = new RUMClient({ endpoint: "$url", region: "$region", disableHostPrefix: true });
await rum.send(new PutRumEventsCommand({
    Id: "$id",
    BatchId: randomUUID(),
    AppMonitorDetails: { name: "$name", version: "1.0.0" },
    UserDetails: { userId: randomUUID(), sessionId: randomUUID() },
    RumEvents: [{ id: randomUUID(), timestamp: new Date(), type: "my.event", details: "{}" }],
}));

--- AWS SDK for Go v2 (go get github.com/aws/aws-sdk-go-v2/{config,service/rum})

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/rum"
	"github.com/aws/aws-sdk-go-v2/service/rum/types"
)

func newID() *string {
	b := make([]byte, 16)
	rand.Read(b)
	return aws.String(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.TODO(), config.WithRegion("$region"))
	if err != nil {
		log.Fatal(err)
	}
	client := rum.NewFromConfig(cfg, func(o *rum.Options) {
		o.EndpointResolver = rum.EndpointResolverFromURL("$url", func(e *aws.Endpoint) {
			e.HostnameImmutable = true
		})
	})
	_, err = client.PutRumEvents(context.TODO(), &rum.PutRumEventsInput{
		Id:                aws.String("$id"),
		BatchId:           newID(),
		AppMonitorDetails: &types.AppMonitorDetails{Name: aws.String("$name")},
		UserDetails:       &types.UserDetails{UserId: newID(), SessionId: newID()},
		RumEvents: []types.RumEvent{{
			Id: newID(), Timestamp: aws.Time(time.Now()),
			Type: aws.String("my.event"), Details: aws.String("{}"),
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
}
$page_access
--- Pages: aws-rum-web from npm (npm install aws-rum-web)

import { AwsRum } from 'aws-rum-web';

new AwsRum('$id', '1.0.0', '$region', {
    endpoint: '$url',
    signing: false,
    allowCookies: true,
    telemetries: ['performance', 'errors', 'http'],
});

--- Pages: aws-rum-web with a script tag (npm install aws-rum-web esbuild)

npx esbuild node_modules/aws-rum-web/dist/es/index-browser.js --bundle --minify --outfile=cwr.js

<script>
window.AwsRumClient = {
    q: [], n: 'cwr', i: '$id', v: '1.0.0', r: '$region',
    c: {
        endpoint: '$url',
        signing: false,
        allowCookies: true,
        telemetries: ['performance', 'errors', 'http'],
    },
};
window.cwr = (command, payload) => AwsRumClient.q.push({ c: command, p: payload });
</script>
<script async src="/cwr.js"></script>

--- Internal services: the Python stubs (gRPC)
$grpc_access
${grpc_imports}import time
import uuid

import grpc
from rum.v1.data_plane_service_pb2 import PutRumEventsRequest, RumEvent
from rum.v1.data_plane_service_pb2_grpc import DataPlaneServiceStub

with $channel as channel:
    DataPlaneServiceStub(channel).PutRumEvents(
        PutRumEventsRequest(
            id="$id",
            batch_id=str(uuid.uuid4()),
            app_monitor_details={"name": "$name"},
            user_details={"user_id": str(uuid.uuid4()), "session_id": str(uuid.uuid4())},
            rum_events=[
                RumEvent(id=str(uuid.uuid4()), timestamp=time.time(), type="my.event", details="{}")
            ],
        ),
        timeout=10,$metadata
    )
""")
