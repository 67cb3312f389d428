"""The pages: `/` for whoever looks, `/kiosk/{unit}` for whoever answers. No build step."""
