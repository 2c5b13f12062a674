// A small single-page shop with what real ones have: slow requests, failures and a bug.
const main = document.getElementById("main");
const views = {
  "/": () => `<h1>Small shop</h1><ul>${[1037, 1074, 1111, 1148, 1185, 1222]
    .map((id) => `<li><a href="/product/${id}">Product ${id}</a></li>`).join("")}</ul>`,
  "/product": (id) => `<h1>Product ${id}</h1><p id="price">…</p><button id="buy">Add to cart</button>`,
  "/cart": () => `<h1>Cart</h1><p id="total">…</p><a href="/checkout">Go to checkout</a>`,
  "/checkout": () => `<h1>Checkout</h1><button id="coupon">Use a coupon</button>
    <button id="pay">Pay</button><p id="result"></p>`,
};

const api = async (path, options) => {
  const response = await fetch(`/api${path}`, options);
  if (!response.ok) throw new Error(`Request failed with status code ${response.status} for ${path}`);
  return response.json();
};

async function show(path) {
  const [, first = "", id] = path.split("/");
  const view = views[`/${first}`] ?? views["/"];
  main.innerHTML = view(id);
  if (first === "product") {
    const product = await api(`/products/${id}`);
    document.getElementById("price").textContent = `${product.price} €`;
  } else if (first === "cart") {
    document.getElementById("total").textContent = `${(await api("/cart")).total} €`;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link) {
    event.preventDefault();
    history.pushState(null, "", link.href);
    show(location.pathname);
    return;
  }
  const actions = {
    buy() {
      rum.recordEvent("shop.add_to_cart", { sku: location.pathname.split("/").pop(), quantity: 1 });
      api("/cart/items", { method: "POST" });
    },
    coupon() {
      const cart = { coupons: { code: "AUTUMN" } };
      setTimeout(() => cart.coupons.map((coupon) => coupon.code));
    },
    async pay() {
      const until = performance.now() + 250; // a slow handler, for Interaction to Next Paint
      while (performance.now() < until);
      const id = Math.floor(Math.random() * 1e6);
      await api(`/payments/${id}/confirm`, { method: "POST" });
      document.getElementById("result").textContent = "Thank you!";
    },
  };
  actions[event.target.id]?.();
});

show(location.pathname);
