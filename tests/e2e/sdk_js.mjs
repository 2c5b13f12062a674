// Calls CloudWatch RUM with the AWS SDK for JavaScript that is installed in the working directory.
// Arguments: the endpoint, and a file of calls: [["GetAppMonitorCommand", {"Name": "shop"}], ...].
// Prints, as JSON, what each call returned or how it failed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const rum = createRequire(`${process.cwd()}/`)("@aws-sdk/client-rum");
const [endpoint, file] = process.argv.slice(2);
const client = new rum.RUMClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    disableHostPrefix: true,
    maxAttempts: 1,
});

// JSON holds no dates: event times arrive as ISO 8601.
const withDates = (name, value) => (name === "timestamp" ? new Date(value) : value);

async function call([command, input]) {
    try {
        const { $metadata, ...output } = await client.send(new rum[command](input));
        return { status: $metadata.httpStatusCode, requestId: $metadata.requestId, output };
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
