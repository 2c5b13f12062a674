// Calls CloudWatch RUM with the AWS SDK for JavaScript that is installed in the working directory.
// Arguments: the endpoint, a file of calls such as [["GetAppMonitorCommand", {"Name": "shop"}], ...],
// and settings of the client as JSON.
// Prints the output or the error of each call as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const rum = createRequire(`${process.cwd()}/`)("@aws-sdk/client-rum");
const [endpoint, file, settings] = process.argv.slice(2);
const client = new rum.RUMClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    disableHostPrefix: true,
    maxAttempts: 1,
    ...JSON.parse(settings),
});

// JSON has no dates, so the times of events are ISO 8601 strings.
const withDates = (name, value) => (name === "timestamp" ? new Date(value) : value);

async function call([command, input]) {
    try {
        const { $metadata, ...output } = await client.send(new rum[command](input));
        return { status: $metadata.httpStatusCode, requestId: $metadata.requestId, attempts: $metadata.attempts, output };
    } catch (error) {
        return {
            status: error.$metadata?.httpStatusCode,
            requestId: error.$metadata?.requestId,
            error: error.name,
            modelled: rum[error.name] !== undefined && error instanceof rum[error.name],
            message: error.message,
            resourceName: error.resourceName,
            retryAfterSeconds: error.retryAfterSeconds,
            retryable: error.$retryable !== undefined,
        };
    }
}

const results = [];
for (const one of JSON.parse(readFileSync(file, "utf8"), withDates)) {
    results.push(await call(one));
}
console.log(JSON.stringify(results));
