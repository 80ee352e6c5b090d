import cf from 'cloudfront';

// Routing of a site of pages: /about and /about/ are the page about, /main.css is a file.

// The extensions that make a path a file. Any other ending, as in /users/john.doe or /docs/v1.2, belongs to a page.
// Add what your site has: one word each, lower case, spaces around it.
const FILES =
  ' html htm xhtml css js mjs cjs jsx ts tsx map json json5 jsonld webmanifest manifest xml xsl xslt rss atom txt text md mdx' +
  ' csv tsv yaml yml toml ini log graphql proto wasm ics vcf asc sig pem crt cer' +
  ' png apng jpg jpeg jfif gif webp avif jxl bmp ico cur svg svgz tif tiff heic heif psd ai eps' +
  ' woff woff2 ttf ttc otf eot mp3 m4a ogg oga opus wav flac aac weba mid midi' +
  ' mp4 m4v m4s webm ogv mov avi mkv mpg mpeg m2ts m3u8 mpd vtt srt swf lottie riv' +
  ' pdf doc docx xls xlsx ppt pptx odt ods odp rtf epub mobi tex bib' +
  ' zip gz tgz br bz2 xz zst tar 7z rar jar exe msi dmg pkg deb rpm apk ipa appimage iso sh ps1 py' +
  ' bin dat data db sqlite pak pck unityweb glb gltf obj mtl fbx stl hdr exr ktx ktx2 basis usdz vrm' +
  ' geojson topojson kml kmz gpx pbf mvt pmtiles parquet arrow onnx tflite gguf safetensors npy ';

// Host names that are redirected, each with the one that takes its place. deploy puts the www of an apex in here, or the
// apex of a www, as the domain names in the configuration say; yours stay: { 'old.example.com': 'www.example.com' }.
const REDIRECTS = {};

async function handler(event) {
  const request = event.request;

  const redirect = toOtherHost(request);
  if (redirect) {
    return redirect;
  }
  // Redirects of your own, from an old path for example, go here: return { statusCode: 301, headers: { location: … } }.

  let release;
  try {
    release = await cf.kvs().get('path');
  } catch (e) {
    console.log('the current release is not in the key-value store: ' + e);
  }
  if (!release) {
    return unavailable();
  }
  // The release is part of the path, so it is part of the cache key too: releases never mix.
  // S3 would read a plus sign as a space.
  request.uri = '/' + release + route(request.uri).replace(/\+/g, '%2B');
  return request;
}

// A page is kept as <page>/index.html, whether it is asked for with or without a slash at the end: for a page that the
// site has as about.html, `publish` stores a copy as about/index.html.
// uri is percent-encoded; it stays as the viewer sent it.
function route(uri) {
  if (isFile(uri)) {
    return uri;
  }
  return uri.endsWith('/') ? uri + 'index.html' : uri + '/index.html';
}

function isFile(uri) {
  const name = uri.slice(uri.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return (dot >= 0 && FILES.includes(' ' + name.slice(dot + 1).toLowerCase() + ' ')) || uri.startsWith('/.well-known/');
}

// The path and the query string stay, and so does the scheme: the location names none. Whoever has been redirected asks
// again after five minutes, so that it can be changed.
function toOtherHost(request) {
  if (Object.keys(REDIRECTS).length === 0 || !request.headers.host) {
    return null;
  }
  const parts = request.headers.host.value.toLowerCase().split(':'); // the name, and maybe a port
  const other = REDIRECTS[parts[0]];
  if (typeof other !== 'string') {
    return null;
  }
  parts[0] = other;
  const query = request.rawQueryString();
  return {
    statusCode: 301,
    statusDescription: 'Moved Permanently',
    headers: {
      'location': { value: '//' + parts.join(':') + request.uri + (query === undefined ? '' : '?' + query) },
      'cache-control': { value: 'max-age=300' },
      'strict-transport-security': { value: 'max-age=31536000' }
    }
  };
}

// There is no release yet, or the key-value store cannot be read at this place.
function unavailable() {
  return {
    statusCode: 503,
    statusDescription: 'Service Unavailable',
    headers: {
      'content-type': { value: 'text/html; charset=utf-8' },
      'cache-control': { value: 'no-store' },
      'retry-after': { value: '5' }
    },
    body: '<!doctype html><meta charset="utf-8"><title>Back in a moment</title><h1>Back in a moment</h1>' +
      '<p>This site is not available right now. Please try again in a few seconds.</p>'
  };
}
