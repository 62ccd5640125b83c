// The live feed: connects, says how it stands, and comes back by itself. The server tells whoever has missed something
// the whole again, so nothing has to be asked for.

const SILENCE = 6000; // ms without an event: the connection is dead, whatever the browser thinks
const AGAIN = 2000; // ms between two attempts, where the browser makes none itself

export function follow(url, { whole, news, state }) {
  let source, watchdog, retry;

  const connect = () => {
    clearTimeout(retry);
    source = new EventSource(url);
    source.addEventListener("whole", onMessage(whole));
    source.addEventListener("news", onMessage(news));
    source.addEventListener("error", lost);
    wait();
  };
  const onMessage = (tell) => (event) => {
    wait();
    tell(JSON.parse(event.data));
    state("live");
  };
  const lost = () => {
    state("lost");
    if (source.readyState === EventSource.CLOSED) again();
  };
  const again = () => {
    source.close();
    clearTimeout(watchdog);
    clearTimeout(retry);
    retry = setTimeout(connect, AGAIN);
  };
  const wait = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => { state("lost"); again(); }, SILENCE);
  };
  connect();
}
