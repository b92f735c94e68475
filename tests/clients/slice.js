// What JavaScript finds at places in texts: [{text, places: [[begin, end], ...]}, ...] in, [[piece, ...], ...] out.

const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(texts.map(({text, places}) => places.map(([begin, end]) => text.slice(begin, end)))));
