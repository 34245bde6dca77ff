// ali-oss: multipartUpload.
import OSS from 'ali-oss';
import fs from 'node:fs';
import path from 'node:path';

const [, , what, endpoint, bucket, ...rest] = process.argv;
// To an endpoint that is an IP address it sends the Host header of the region: the server must know that name.
const client = new OSS({
  endpoint,
  bucket,
  region: `oss-${process.env.OSS_REGION}`,
  accessKeyId: process.env.OSS_ACCESS_KEY_ID,
  accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET,
  authorizationV4: true,
});

async function file(key, source) {
  const options = {};
  if (process.env.PART_SIZE) {
    options.partSize = Number(process.env.PART_SIZE);
    options.parallel = Number(process.env.ROUTINES);
  }
  // It has no checkpoint of its own: to keep what it hands out is left to its user.
  options.progress = (_, checkpoint) => fs.writeFileSync(`${source}.node`, JSON.stringify(checkpoint ?? {}));
  await client.multipartUpload(key, source, options);
  fs.rmSync(`${source}.node`, { force: true });
}

async function many(folder, count, atATime) {
  let next = 0;
  const work = async () => {
    while (next < Number(count)) {
      const name = String(next++).padStart(5, '0');
      await client.put(name, path.join(folder, name));
    }
  };
  await Promise.all(Array.from({ length: Number(atATime) }, work));
}

if (what === 'file') await file(...rest);
else await many(...rest);
