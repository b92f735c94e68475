// The npm package perspective-api-client, unmodified. Its host is a constant, so its own axios is told where to go.
//   node perspective.js <root url> <key> <text>   prints the answer, or the error as the client makes it

const Perspective = require('perspective-api-client');
const axios = require(require.resolve('axios', {paths: [require.resolve('perspective-api-client')]}));

const [root, apiKey, text] = process.argv.slice(2);
axios.interceptors.request.use(config => {
  config.url = config.url.replace('https://commentanalyzer.googleapis.com', root);
  return config;
});

new Perspective({apiKey})
  .analyze(text, {attributes: ['toxicity', 'threat']})
  .then(answer => console.log(JSON.stringify({answer})))
  .catch(error => console.log(JSON.stringify({error: error.name, message: error.message})));
